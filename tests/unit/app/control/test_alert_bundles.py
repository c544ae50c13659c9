"""One cause is one message outside as well, however many alerts it has."""

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.control.alert_sending import send_waiting
from holdfast.app.control.alert_watch import Limits, watch
from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.plane import Plane
from holdfast.catalog.tables import Alert, AlertTarget
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_machine, add_vault, make_plane
from tests.unit.app.control.test_alerts import Post, add_place


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


def silent(plane: Plane, count: int, *, vault: str = "") -> str:
    """So many machines that were not heard of for twenty minutes; the vault they are in."""
    vault = vault or add_vault(plane)
    for number in range(count):
        add_machine(plane, vault, f"m{number:02}", last_seen_at=plane.clock.now())
    plane.clock.sleep(20 * 60)
    watch(plane, Limits())
    # Until then more of the same may be seen.
    plane.clock.sleep(60)
    return vault


def failed(plane: Plane, vault: str, machine: str, code: str = "storage-full") -> None:
    fields = {"source": "/etc", "machine": machine, "error": code, "reason": "no room"}
    with plane.database.write() as db:
        raise_alert(db, plane, "backup-failed", vault_id=vault, machine_id=machine, fields=fields)


def unsent(plane: Plane) -> int:
    with plane.database.read() as db:
        return db.query(Alert).filter(Alert.sent_at.is_(None)).count()


def test_thirty_machines_behind_one_link_are_one_message(plane: Plane) -> None:
    add_place(plane, "ops://")
    silent(plane, 30)
    post = Post()

    assert send_waiting(plane, post) == 30

    (message,) = post.taken
    assert message.title == (
        "[Holdfast] warning: 30 machines fell silent at about the same time, "
        "the first at 2026-01-01 12:00 UTC."
    )
    assert "30 machines: m00, m01, m02, " in message.body
    assert "and 10 more" in message.body
    assert (unsent(plane), send_waiting(plane, post)) == (0, 0)


def test_few_that_fall_silent_are_told_one_by_one(plane: Plane) -> None:
    add_place(plane, "ops://")
    silent(plane, 2)
    post = Post()

    send_waiting(plane, post)

    assert sorted(message.title for message in post.taken) == [
        f"[Holdfast] warning: m0{number} has not been heard of since 2026-01-01 12:00 UTC."
        for number in range(2)
    ]


def test_what_the_watch_sees_in_two_rounds_is_one_message(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, "ops://")
    vault = add_vault(plane)
    for number in range(10):
        heard = clock.now() + timedelta(seconds=30 if number > 5 else 0)
        add_machine(plane, vault, f"m{number}", last_seen_at=heard)
    clock.sleep(15 * 60 + 10)
    post = Post()

    for _round in range(3):
        # As the server does it: each minute a look and all that waits, in between what is fresh.
        watch(plane, Limits())
        send_waiting(plane, post)
        for seconds in (1, 3, 56):
            clock.sleep(seconds)
            send_waiting(plane, post, younger=timedelta(seconds=45))

    assert [message.title.partition(" at ")[0] for message in post.taken] == [
        "[Holdfast] warning: 10 machines fell silent"
    ]


def test_links_that_are_well_again_are_one_message_for_each_site(plane: Plane) -> None:
    add_place(plane, "ops://")
    for number in range(12):
        site = "berlin" if number < 8 else "seoul"
        fields = {"root": f"host:{number}:host-silent", "vms": f"vm{number}", "site": site}
        with plane.database.write() as db:
            raise_alert(
                db,
                plane,
                "replication-recovered",
                vault_id="v",
                machine_id=f"{number}",
                fields={**fields, "machine": f"kvm{number}"},
            ).severity = "critical"
    post = Post()

    send_waiting(plane, post)

    assert [message.title for message in post.taken] == [
        "[Holdfast] critical: Replication from 8 machines to berlin is well again.",
        "[Holdfast] critical: Replication from 4 machines to seoul is well again.",
    ]


def test_what_follows_later_from_a_silence_is_one_message_too(plane: Plane) -> None:
    add_place(plane, "ops://")
    vault = silent(plane, 4)
    with plane.database.read() as db:
        told = {one.machine_id: one.fields for one in db.query(Alert)}
    send_waiting(plane, Post())
    with plane.database.write() as db:
        for machine, fields in told.items():
            raise_alert(
                db, plane, "job-lost", vault_id=vault, machine_id=machine, fields=dict(fields)
            )
    plane.clock.sleep(60)
    post = Post()

    send_waiting(plane, post)

    (message,) = post.taken
    assert message.title.startswith("[Holdfast] error: 4 machines fell silent")
    assert "with a job under way" in message.body


def test_one_reason_in_one_vault_is_one_message_and_another_reason_another(plane: Plane) -> None:
    add_place(plane, "ops://")
    for machine in ("alpha", "beta", "gamma"):
        failed(plane, "v", machine)
    failed(plane, "v", "alpha", "hook-failed")
    failed(plane, "w", "delta")
    post = Post()

    send_waiting(plane, post)

    assert [message.title for message in post.taken] == [
        "[Holdfast] error: Work of 3 machines fails for one reason: no room",
        "[Holdfast] error: The backup of /etc on alpha failed: no room",
        "[Holdfast] error: The backup of /etc on delta failed: no room",
    ]


def test_damage_on_several_machines_says_of_how_many(plane: Plane) -> None:
    add_place(plane, "ops://")
    for machine in ("alpha", "beta"):
        fields = {"machine": machine, "reason": "cut"}
        with plane.database.write() as db:
            raise_alert(db, plane, "damage-found", vault_id="v", machine_id=machine, fields=fields)
    post = Post()

    send_waiting(plane, post)

    (message,) = post.taken
    assert message.title == "[Holdfast] critical: Stored data of 2 machines is damaged."
    assert "Stored data of alpha is damaged: cut" in message.body


def test_place_of_one_vault_hears_of_its_own_machines_alone(plane: Plane) -> None:
    mine, other = add_vault(plane, "mine"), add_vault(plane, "other")
    for number in range(3):
        add_machine(plane, mine, f"mine{number}", last_seen_at=plane.clock.now())
    add_place(plane, "mine://", vault=mine)
    silent(plane, 30, vault=other)
    post = Post()

    send_waiting(plane, post)

    (message,) = post.taken
    assert "3 machines fell silent" in message.title
    assert "m00" not in message.body


def test_place_that_wants_the_grave_alone_is_not_told_of_the_rest_of_the_cause(
    plane: Plane,
) -> None:
    add_place(plane, "grave://", min_severity="error")
    vault = silent(plane, 4)
    with plane.database.write() as db:
        first = db.query(Alert).first()
        assert first is not None
        where = {"vault_id": vault, "machine_id": first.machine_id}
        raise_alert(db, plane, "job-lost", fields=dict(first.fields), **where)
    plane.clock.sleep(60)
    post = Post()

    send_waiting(plane, post)

    (message,) = post.taken
    assert message.title.endswith("with a job under way.")
    assert unsent(plane) == 0


def test_place_that_refuses_gets_the_same_one_message_later(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, "bad://")
    add_place(plane, "good://")
    silent(plane, 5)
    first, second = Post("bad://"), Post()

    send_waiting(plane, first)
    clock.sleep(60)
    send_waiting(plane, second)

    assert (first.urls, second.urls) == (["good://"], ["bad://"])
    assert "5 machines fell silent" in second.taken[0].title
    assert unsent(plane) == 0


def test_moments_are_those_of_clocks_where_the_message_goes(plane: Plane) -> None:
    add_place(plane, "seoul://", lang="ko", summary_zone="Asia/Seoul")
    silent(plane, 1)
    post = Post()

    send_waiting(plane, post)

    (message,) = post.taken
    assert "2026-01-01 21:00 KST" in message.title
    assert "2026-01-01 21:00 KST" in message.body


def test_place_whose_zone_cannot_be_read_is_told_all_the_same(plane: Plane) -> None:
    add_place(plane, "ops://")
    with plane.database.write() as db:
        db.query(AlertTarget).update({"summary_zone": "Atlantis/Capital"})
    silent(plane, 1)
    post = Post()

    send_waiting(plane, post)

    assert "2026-01-01 12:00 UTC" in post.taken[0].title


def test_many_thousand_are_one_message(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, "ops://")
    now = clock.now()
    with plane.database.write() as db:
        for number in range(2500):
            fields = {"machine": f"m{number}", "since": str(now - timedelta(minutes=20))}
            raise_alert(
                db, plane, "machine-silent", vault_id="v", machine_id=f"{number}", fields=fields
            )
    clock.sleep(60)
    post = Post()

    assert send_waiting(plane, post) == 2500
    assert len(post.taken) == 1
