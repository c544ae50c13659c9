"""Replications: how hosts tell of them, how people see them, and how they end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from holdfast.app.control import replication_watch
from holdfast.app.control.audit import list_entries
from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.heartbeats import HeartbeatBook, beat
from holdfast.app.control.replication_ends import end_replication, take_end
from holdfast.app.control.replication_views import show_history, show_replication
from holdfast.app.control.sites import remove_site
from holdfast.catalog.audit import Filter as AuditFilter
from holdfast.catalog.tables import ReplicationSample
from holdfast.fleet.messages import Heartbeat
from holdfast.fleet.paging import Window
from holdfast.fleet.replication_messages import ReplicationEnded
from holdfast.replication.status import Health, State
from holdfast.testing.planes import Registered, add_person
from tests.unit.app.control.replication_ground import Ground, reason, uuid_of

MINUTE = timedelta(minutes=1)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    return made


@contextmanager
def counted(ground: Ground) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    event.listen(ground.plane.database.engine, "before_cursor_execute", note)
    yield said
    event.remove(ground.plane.database.engine, "before_cursor_execute", note)


def heartbeat(ground: Ground, machine: Registered) -> Any:
    book = HeartbeatBook(ground.plane)
    told = Heartbeat(
        at=ground.clock.now(),
        name=machine.actor.name,
        agent_version="1",
        facts={},
        running=[],
        assignments_etag="",
    )
    return beat(ground.plane, machine.actor, book, told)


def test_heartbeats_say_which_roles_there_are(ground: Ground) -> None:
    site, host = heartbeat(ground, ground.far), heartbeat(ground, ground.one)

    assert site.replication_etag == ground.roles(ground.far).etag != ""
    assert host.replication_etag == ""
    # Somebody may wait for a site to let it in.
    assert site.next_seconds < host.next_seconds


def test_what_a_host_tells_is_seen(ground: Ground) -> None:
    ground.replicated("db")
    ground.minutes(2)

    seen = ground.only()

    assert (seen.name, seen.machine, seen.site, seen.every) == ("db", "kvm1", "berlin", 300)
    assert (seen.state, seen.health, seen.rpo_seconds) == ("replicating", "normal", 120)


def test_what_was_left_as_it_is_usually_is_known_too(ground: Ground) -> None:
    ground.want("db")
    usual = ground.report("db")
    del usual.settings["every"]

    ground.tell(usual)

    assert ground.only().every == 300


def test_the_clock_of_a_host_may_be_wrong(ground: Ground) -> None:
    ground.want("db")
    hour = timedelta(hours=1)
    fast = ground.report("db", latest_at=ground.clock.now() + hour - MINUTE)

    ground.tell(fast, at=ground.clock.now() + hour)

    assert ground.only().rpo_seconds == 60


def test_nobody_is_in_the_future(ground: Ground) -> None:
    ground.want("db")

    ground.tell(ground.report("db", latest_at=ground.clock.now() + timedelta(hours=1)))

    assert ground.only().rpo_seconds == 0


def test_a_machine_that_is_off_and_in_step_loses_nothing(ground: Ground) -> None:
    ground.want("db")
    ground.tell(ground.report("db", state=State.SYNCED))

    ground.minutes(60)

    assert ground.only().rpo_seconds == 0


def test_a_status_of_a_newer_agent_leaves_the_one_before(ground: Ground) -> None:
    ground.replicated("db")
    newer = ground.report("db")
    assert newer.status is not None
    newer.status["state"] = "entangled"

    ground.tell(newer)

    assert ground.only().state == "replicating"


def test_time_alone_makes_it_worse(ground: Ground) -> None:
    ground.replicated("db")

    ground.minutes(11)
    replication_watch.watch(ground.plane)

    seen = ground.only()
    assert (seen.health, [one.code for one in seen.reasons]) == ("warning", ["rpo-high"])


def test_nobody_at_work_is_seen_by_a_status_that_was_old_when_it_was_told(ground: Ground) -> None:
    ground.replicated("db")
    old = ground.report("db")
    ground.minutes(2)

    replication_watch.watch(ground.plane)
    before = ground.only().health
    ground.tell(old)

    seen = ground.only()
    assert (before, seen.health) == ("normal", "critical")
    assert [one.code for one in seen.reasons] == ["nobody-at-work"]


def test_what_its_host_knows_nothing_of_is_told(ground: Ground) -> None:
    ground.replicated("db", "web")

    ground.tell(here=[(uuid_of("web"), "berlin")])
    replication_watch.watch(ground.plane)

    (seen,) = ground.listed(vm="db")
    assert (seen.state, seen.health) == ("off", "critical")
    assert [one.code for one in seen.reasons] == ["not-at-host"]


def test_what_only_the_host_knows_of_is_taken_up(ground: Ground) -> None:
    """As after the server's state was put back from an older copy."""
    ground.tell(ground.report("db"))

    assert ground.only().name == "db"


def test_lists_are_chosen_from_and_come_in_pages(ground: Ground) -> None:
    ground.replicated("db", "web", "mail")
    ill = ground.report("web", reasons=(reason(ground, "paused"),), health=Health.WARNING)
    ground.tell(ground.report("db"), ill, ground.report("mail"))

    def names(**wanted: Any) -> list[str]:
        return [one.name for one in ground.listed(**wanted)]

    assert names() == ["db", "mail", "web"]
    assert names(healths=("warning",)) == ["web"]
    assert names(site="berlin", states=("replicating",), vm=uuid_of("db")) == ["db"]
    assert names(machine_id=ground.two.id) == names(site="paris") == []


def test_who_has_no_role_in_the_vault_sees_none(ground: Ground) -> None:
    ground.replicated("db")
    stranger = add_person(ground.plane, "else").actor

    with pytest.raises(NotAllowed):
        show_replication(ground.plane, stranger, ground.only().id)


def test_two_hundred_machines_are_one_question(ground: Ground) -> None:
    names = [f"vm{number:03}" for number in range(200)]
    ground.replicated(*names)

    with counted(ground) as listing:
        found = ground.listed()
    with counted(ground) as taking:
        ground.tell(*(ground.report(name, queue_bytes=7) for name in names))

    assert len(found) == Window().limit
    assert len(listing) < 5
    # Rows that were changed are written by one statement, however many they are.
    assert len(taking) < 10


def test_samples_show_a_day_by_the_minute(ground: Ground) -> None:
    ground.replicated("db")
    for _time in range(3):
        ground.minutes(1)
        replication_watch.watch(ground.plane)
        # Another server may look in the same minute.
        replication_watch.watch(ground.plane)

    history = show_history(ground.plane, ground.admin, ground.only().id, hours=24)

    assert history.seconds == 60
    assert [one.rpo_seconds for one in history.samples] == [60, 120, 180]


def test_of_a_month_there_is_the_worst_of_each_hour(ground: Ground) -> None:
    ground.replicated("db")
    for _time in range(90):
        ground.minutes(1)
        replication_watch.watch(ground.plane)
    whole = show_history(ground.plane, ground.admin, ground.only().id, hours=700)

    ground.minutes(26 * 60)
    replication_watch.thin(ground.plane)

    kept = show_history(ground.plane, ground.admin, ground.only().id, hours=700)
    assert [one.rpo_seconds for one in kept.samples] == [59 * 60, 90 * 60]
    assert kept == whole
    with ground.plane.database.read() as db:
        assert db.query(ReplicationSample).count() == 2


def test_samples_do_not_stay_for_ever(ground: Ground) -> None:
    ground.replicated("db")
    replication_watch.watch(ground.plane)

    ground.minutes(32 * 24 * 60)
    replication_watch.thin(ground.plane)

    assert show_history(ground.plane, ground.admin, ground.only().id, hours=720).samples == []


def test_an_end_is_told_to_both_sides_until_they_have_cleaned_up(ground: Ground) -> None:
    ground.replicated("db")
    ground.tell_site("db")

    end_replication(ground.plane, ground.sure, ground.only().id)

    site, source = ground.roles(ground.far).site, ground.roles(ground.one).source
    assert ground.listed() == []
    assert site is not None
    assert (site.grants, site.removals) == ([], [uuid_of("db")])
    assert source is not None
    assert [(one.vm, one.why, one.keep_replica) for one in source.ended] == [
        (uuid_of("db"), "disabled", False)
    ]
    # It may tell of it once more before it has heard.
    ground.tell(ground.report("db"))
    assert ground.listed() == []

    ended = ReplicationEnded(
        vm=uuid_of("db"), site="berlin", keep_replica=False, is_gone_at_site=True
    )
    take_end(ground.plane, ground.one.actor, ended)
    ground.tell_site()
    assert ground.roles(ground.one).etag == ""
    site = ground.roles(ground.far).site
    assert site is not None
    assert site.removals == []


def test_who_did_what_is_written_down(ground: Ground) -> None:
    ground.vms(ground.one, "db")
    ground.replicated("db")
    ground.vms(ground.two, "db")
    ground.vms(ground.one)

    end_replication(ground.plane, ground.sure, ground.only().id)
    remove_site(ground.plane, ground.admin, "berlin", force=True)

    entries = list_entries(
        ground.plane, ground.admin, AuditFilter(vault_id=ground.vault), Window()
    ).items
    assert [(one.act, one.actor.partition(":")[0]) for one in reversed(entries)] == [
        ("site-add", "person"),
        ("replication-grant", "machine"),
        ("replication-move", "machine"),
        ("replication-end", "person"),
        ("site-remove", "person"),
    ]


@pytest.mark.parametrize(
    ("keep", "gone", "removals"),
    [(False, False, [uuid_of("db")]), (False, True, []), (True, False, [])],
)
def test_a_site_that_was_away_hears_of_an_end_later(
    ground: Ground, *, keep: bool, gone: bool, removals: list[str]
) -> None:
    ground.replicated("db")
    told = ReplicationEnded(
        vm=uuid_of("db"), site="berlin", keep_replica=keep, is_gone_at_site=gone
    )

    for _time in range(2):
        take_end(ground.plane, ground.one.actor, told)

    site = ground.roles(ground.far).site
    assert site is not None
    assert (ground.listed(), site.grants, site.removals) == ([], [], removals)


def test_nobody_ends_what_another_host_writes(ground: Ground) -> None:
    ground.replicated("db")
    told = ReplicationEnded(
        vm=uuid_of("db"), site="berlin", keep_replica=False, is_gone_at_site=False
    )

    take_end(ground.plane, ground.two.actor, told)

    assert ground.only().machine == "kvm1"
