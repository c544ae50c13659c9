"""Who gets the weekly summary, and when."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from holdfast.app.control.alert_rules import NewTarget, add_target, list_targets
from holdfast.app.control.alert_sending import Message
from holdfast.app.control.plane import Plane
from holdfast.app.control.reports.weekly_mail import send_weeklies
from holdfast.catalog.tables import Vault
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_vault, make_plane

HOUR, DAY = 3600, timedelta(days=1).total_seconds()
# The clock begins on a Thursday at noon, 2026-01-01.


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


class Post:
    """A service that takes messages, or none."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.taken: list[Message] = []
        self.is_open = is_open

    def __call__(self, message: Message) -> bool:
        if self.is_open:
            self.taken.append(message)
        return self.is_open


def add_place(plane: Plane, name: str = "office", **more: Any) -> None:
    new = NewTarget(name=name, url=f"{name}://", **more)
    add_target(plane, add_admin(plane).actor, new, check=lambda _url: None)


def test_it_comes_once_a_week_on_its_day_and_hour(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, weekly_on="monday", summary_at="08:00", summary_zone="Asia/Seoul")
    post, moments = Post(), list[str]()

    for _two_hours in range(12 * 15):
        clock.sleep(2 * HOUR)
        if send_weeklies(plane, post):
            moments.append(clock.now().astimezone(ZoneInfo("Asia/Seoul")).strftime("%a %d %H"))

    assert moments == ["Mon 05 09", "Mon 12 09"]
    assert post.taken[0].title.startswith("[Holdfast] Week to 2026-01-05: ")


def test_who_asked_for_none_gets_none(plane: Plane, clock: FakeClock) -> None:
    add_place(plane)
    post = Post()

    clock.sleep(8 * DAY)

    assert send_weeklies(plane, post) == 0
    assert post.taken == []


def test_the_week_before_somebody_asked_is_not_made_up_for(plane: Plane) -> None:
    add_place(plane, weekly_on="wednesday")

    assert send_weeklies(plane, Post()) == 0


def test_one_that_was_not_taken_comes_later_and_once(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, weekly_on="friday")
    clock.sleep(2 * DAY)
    post = Post()

    refused = send_weeklies(plane, Post(is_open=False))
    clock.sleep(2 * DAY)
    taken = [send_weeklies(plane, post), send_weeklies(plane, post)]

    assert (refused, taken) == (0, [1, 0])


def test_it_is_in_the_language_of_whom_it_goes_to(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, "here", weekly_on="friday")
    add_place(plane, "there", weekly_on="friday", lang="ko")
    clock.sleep(2 * DAY)
    post = Post()

    send_weeklies(plane, post)

    assert {message.url for message in post.taken} == {"here://", "there://"}


def test_of_one_vault_it_tells_nothing_of_others(plane: Plane, clock: FakeClock) -> None:
    add_vault(plane, "mine")
    add_vault(plane, "foreign")
    add_place(plane, weekly_on="friday", vault="mine")
    clock.sleep(2 * DAY)
    post = Post()

    send_weeklies(plane, post)

    assert "Weekly summary of mine" in post.taken[0].body
    assert "foreign" not in post.taken[0].body


def test_of_a_deleted_vault_nobody_is_told(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane, "mine")
    add_place(plane, weekly_on="friday", vault="mine")
    with plane.database.write() as db:
        db.get_one(Vault, vault).deleted_at = clock.now()
    clock.sleep(2 * DAY)
    post = Post()

    assert send_weeklies(plane, post) == 0
    assert post.taken == []


def test_the_day_is_shown(plane: Plane) -> None:
    add_place(plane, weekly_on="sunday")

    (found,) = list_targets(plane, add_admin(plane).actor)

    assert found.weekly_on == "sunday"
