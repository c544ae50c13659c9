"""Heartbeats are written soon, and many together."""

from datetime import datetime

from holdfast.app.control.heartbeats import HeartbeatBook, beat
from holdfast.app.control.plane import Plane
from holdfast.catalog.tables import Machine
from holdfast.fleet.messages import Heartbeat
from holdfast.testing.planes import Registered, add_machine


def _told(plane: Plane, **facts: object) -> Heartbeat:
    return Heartbeat(
        at=plane.clock.now(),
        name="alpha",
        agent_version="1",
        facts=facts,
        running=[],
        assignments_etag="",
    )


def _seen(plane: Plane, machine: Registered) -> datetime | None:
    with plane.database.read() as db:
        row = db.get(Machine, machine.id)
    assert row is not None
    return row.last_seen_at


def test_single_beat_is_written_at_once(plane: Plane, vault: str) -> None:
    machine, book = add_machine(plane, vault), HeartbeatBook(plane)

    beat(plane, machine.actor, book, _told(plane, disk=1))

    assert _seen(plane, machine) == plane.clock.now()


def test_beats_of_one_second_are_written_together(plane: Plane, vault: str) -> None:
    machines = [add_machine(plane, vault, f"m{number}") for number in range(20)]
    book = HeartbeatBook(plane)

    for machine in machines:
        beat(plane, machine.actor, book, _told(plane))
    early = [_seen(plane, machine) is not None for machine in machines]
    book.close()

    assert early == [True] + [False] * 19
    assert all(_seen(plane, machine) for machine in machines)


def test_facts_of_the_last_beat_are_kept(plane: Plane, vault: str) -> None:
    machine, book = add_machine(plane, vault), HeartbeatBook(plane)

    for disk in (1, 2, 3):
        beat(plane, machine.actor, book, _told(plane, disk=disk))
    book.close()

    with plane.database.read() as db:
        row = db.get(Machine, machine.id)
    assert row is not None
    assert row.facts["disk"] == 3


def test_machine_is_told_to_renew_a_certificate_that_ends_soon(plane: Plane, vault: str) -> None:
    machine, book = add_machine(plane, vault), HeartbeatBook(plane)

    fresh = beat(plane, machine.actor, book, _told(plane))
    plane.clock.sleep(65 * 86_400)
    old = beat(plane, machine.actor, book, _told(plane))

    assert (fresh.renew_certificate, old.renew_certificate) == (False, True)
