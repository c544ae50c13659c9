"""Very many alerts: the grave ones stay in sight, and what is left out is said."""

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.control.alert_rules import gravest_alerts, list_alerts
from holdfast.app.control.alert_summaries import send_summaries
from holdfast.app.control.plane import Plane
from holdfast.fleet.paging import Window
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_machine, add_vault, make_plane
from tests.unit.app.control.test_alerts import Post, add_place, ended, told


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


def test_summary_counts_what_was_lost_and_speaks_the_language_of_its_place(
    plane: Plane, clock: FakeClock
) -> None:
    vault = add_vault(plane, "main")
    machine = add_machine(plane, vault).id
    for state in ("failed", "lost"):
        ended(plane, vault, machine, state)
        clock.sleep(60)
    add_place(plane, "en://", daily_summary=True)
    add_place(plane, "ko://", daily_summary=True, lang="ko")
    post = Post()

    clock.sleep(timedelta(days=1).total_seconds() - 3600)
    send_summaries(plane, post)

    english, korean = post.taken
    assert "2 failed" in english.title
    assert "main: failed 1, lost sight of 1" in english.body
    assert "lost" not in korean.body


def test_summary_has_the_gravest_of_very_many_and_says_how_many_there_are(
    plane: Plane, clock: FakeClock
) -> None:
    told(plane, "damage-found", machine="alpha", reason="cut")
    clock.sleep(60)
    for number in range(120):
        told(plane, "room-ends", object=f"vault {number}", of=str(number))
    add_place(plane, "daily://", daily_summary=True)
    post = Post()

    clock.sleep(timedelta(days=1).total_seconds())
    send_summaries(plane, post)

    (message,) = post.taken
    assert "121 alerts open" in message.title
    assert "Stored data of alpha is damaged: cut" in message.body
    assert "and 21 more" in message.body


def test_grave_alerts_are_found_below_very_many_others(plane: Plane, clock: FakeClock) -> None:
    told(plane, "damage-found", machine="alpha", reason="cut")
    clock.sleep(60)
    for number in range(20):
        told(plane, "room-ends", object=f"vault {number}", of=str(number))
    admin = add_admin(plane).actor

    grave = list_alerts(plane, admin, Window(limit=5), is_open=True, severity="critical")
    gravest = gravest_alerts(plane, admin, 5, is_open=True)

    assert [alert.kind for alert in grave.items] == ["damage-found"]
    assert [alert.kind for alert in gravest.alerts] == ["damage-found", *["room-ends"] * 4]
    assert gravest.count == 21
