"""Drills brought by hosts: kept once, shown to whom they concern, and reported on as at the host."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.app.control import drills
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.recoveries import take_recovery
from holdfast.app.control.recovery_errors import RecoveryNotUnderstood
from holdfast.catalog.tables import Alert
from holdfast.fleet.paging import Window
from holdfast.fleet.recovery_messages import DrillRunTold, DrillTold, RecoveryTold
from holdfast.fleet.roles import Role
from holdfast.recovery.checks.wishes import parse_check
from holdfast.recovery.drills.drill import Drill, DrillRun, Objective
from holdfast.recovery.trial import TrialState, TrialWish
from holdfast.testing.planes import add_person, add_vault
from tests.unit.app.control.replication_ground import Ground, uuid_of
from tests.unit.recovery.trials import trial

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    made.vms(made.one, "db", "web")
    made.replicated("db", "web")
    return made


def run(number: int = 1, *, objective: Objective | None = None, **changes: Any) -> DrillRun:
    made = trial(number, **{"vm": uuid_of("db"), "name": "db", **changes})
    return DrillRun(trial=made, objective=objective or Objective(), host="far")


def bring(ground: Ground, one: DrillRun, *, picture: bytes = b"", digest: str = "d1") -> None:
    told = DrillRunTold(
        digest=digest,
        run=msgspec.to_builtins(one),
        picture=base64.b64encode(picture).decode(),
    )
    drills.take_run(ground.plane, ground.far.actor, told)


def listed(ground: Ground) -> dict[str, drills.DrillView]:
    return {one.name: one for one in drills.list_drills(ground.plane, ground.admin)}


def test_a_replicated_machine_that_was_never_drilled_is_listed_as_unproven(ground: Ground) -> None:
    bring(ground, run())

    found = listed(ground)

    assert (found["web"].verdict, found["web"].passed_at) == (drills.NEVER, None)
    assert (found["db"].verdict, found["db"].seconds_to_up) == ("passed", 20.0)
    assert {one.machine for one in found.values()} == {"far"}


def test_a_failure_after_a_success_does_not_hide_when_it_last_passed(ground: Ground) -> None:
    bring(ground, run(1))
    bring(ground, run(2, state=TrialState.FAILURE, message="no answer"))

    db = listed(ground)["db"]

    assert db.verdict == "failed"
    assert (db.at, db.passed_at) == (run(2).trial.begun_at, run(1).trial.begun_at)


def test_what_the_host_has_on_its_schedule_is_shown_with_whether_it_is_late(ground: Ground) -> None:
    late = ground.clock.now() - timedelta(hours=1)
    drill = DrillTold(name="db", vm=uuid_of("db"), schedule="daily 03:00", due_at=late)
    told = RecoveryTold(at=ground.clock.now(), records=[], drills=[drill])
    take_recovery(ground.plane, ground.far.actor, told)

    db = listed(ground)["db"]

    assert (db.schedule, db.due_at, db.is_overdue) == ("daily 03:00", late, True)


def test_what_is_set_for_a_drill_is_shown_as_the_host_has_it(ground: Ground) -> None:
    kept = Drill(
        vm=uuid_of("db"),
        name="db",
        wish=TrialWish(checks=(parse_check("tcp:22"),), networks={"lan": "lab"}, within=300),
        objective=Objective(rto=900),
        schedule="daily 03:00",
        zone="Asia/Seoul",
        set_at=ground.clock.now(),
    )
    drill = DrillTold(name="db", vm=kept.vm, schedule=kept.schedule, kept=msgspec.to_builtins(kept))
    found = RecoveryTold(at=ground.clock.now(), records=[], drills=[drill])
    take_recovery(ground.plane, ground.far.actor, found)

    db = listed(ground)["db"]

    assert (db.zone, db.checks, db.networks) == ("Asia/Seoul", ["tcp:22"], {"lan": "lab"})
    assert (db.within, db.rto_objective, db.rpo_objective) == (300, 900, None)


def test_an_agent_that_tells_only_the_schedule_hides_nothing(ground: Ground) -> None:
    drill = DrillTold(name="db", vm=uuid_of("db"), schedule="daily 03:00", kept={"odd": 1})
    found = RecoveryTold(at=ground.clock.now(), records=[], drills=[drill])
    take_recovery(ground.plane, ground.far.actor, found)

    db = listed(ground)["db"]

    assert (db.schedule, db.zone, db.checks) == ("daily 03:00", "UTC", [])


def test_a_run_that_is_told_again_is_there_once_as_it_is_now(ground: Ground) -> None:
    bring(ground, run(1, state=TrialState.RUNNING, ended_at=None, cleaned_at=None))
    bring(ground, run(1), digest="d2")

    (found,) = drills.list_runs(ground.plane, ground.admin, Window()).items

    assert found.verdict == "passed"
    assert drills.known_runs(ground.plane, ground.far.actor).known == {"trial-001": "d2"}


def test_a_drill_that_passed_is_told_once(ground: Ground) -> None:
    bring(ground, run(state=TrialState.RUNNING))
    for digest in ("d2", "d3"):
        bring(ground, run(), digest=digest)
    bring(ground, run(2, state=TrialState.FAILURE), digest="d4")

    with ground.plane.database.read() as db:
        told = [(one.kind, one.fields["vm"]) for one in db.query(Alert)]

    assert told == [("drill-passed", "db")]


def test_a_drill_of_long_ago_is_no_news(ground: Ground) -> None:
    ground.clock.sleep(timedelta(days=200).total_seconds())
    bring(ground, run())

    with ground.plane.database.read() as db:
        assert db.query(Alert).count() == 0


def test_runs_come_the_newest_first_and_in_pages(ground: Ground) -> None:
    for number in (1, 2, 3):
        bring(ground, run(number))

    first = drills.list_runs(ground.plane, ground.admin, Window(limit=2))
    rest = drills.list_runs(ground.plane, ground.admin, Window(limit=2, after=first.next))

    assert [one.id for one in (*first.items, *rest.items)] == [
        "trial-003",
        "trial-002",
        "trial-001",
    ]
    assert rest.next is None


def test_a_run_is_shown_with_those_before_it_and_none_after(ground: Ground) -> None:
    for number in (1, 2, 3):
        bring(ground, run(number, objective=Objective(rto=10)))

    seen = drills.show_run(ground.plane, ground.admin, "trial-002")

    assert [one.id for one in seen.past] == ["trial-001", "trial-002"]
    assert (seen.drill_run.verdict, seen.drill_run.rto_objective) == ("objective-missed", 10)
    assert seen.drill_run.reason == "RTO 20.0 s instead of 10.0 s"


def test_the_report_is_the_page_that_the_host_makes(ground: Ground) -> None:
    bring(ground, run(), picture=PNG)

    page = drills.show_report(ground.plane, ground.admin, "trial-001")

    assert "Drill of db" in page
    assert base64.b64encode(PNG).decode() in page
    assert drills.show_picture(ground.plane, ground.admin, "trial-001") == PNG


def test_a_run_without_a_picture_says_that_there_is_none(ground: Ground) -> None:
    bring(ground, run())

    with pytest.raises(NotThere):
        drills.show_picture(ground.plane, ground.admin, "trial-001")


@pytest.mark.parametrize(
    ("told", "picture"),
    [
        ({"trial": {}}, ""),
        (msgspec.to_builtins(run()), "***"),
        (msgspec.to_builtins(run()), base64.b64encode(b"<svg/>").decode()),
        (msgspec.to_builtins(run(vm="../x")), ""),
    ],
)
def test_what_is_no_run_is_refused(ground: Ground, told: dict[str, Any], picture: str) -> None:
    wrong = DrillRunTold(digest="d", run=told, picture=picture)

    with pytest.raises(Exception) as refused:  # noqa: PT011  two classes say so
        drills.take_run(ground.plane, ground.far.actor, wrong)

    assert refused.value.__class__.__name__ in (
        RecoveryNotUnderstood.__name__,
        "ReplicationsNotUnderstood",
    )


def test_no_person_can_bring_a_run(ground: Ground) -> None:
    with pytest.raises(NotAllowed):
        drills.known_runs(ground.plane, ground.admin)


def test_who_may_look_into_another_vault_alone_sees_none_of_it(ground: Ground) -> None:
    bring(ground, run())
    other = add_vault(ground.plane, "other")
    eve = add_person(ground.plane, "eve", role=Role.READER, vault_id=other).actor

    assert drills.list_drills(ground.plane, eve) == []
    assert drills.list_runs(ground.plane, eve, Window()).items == []
    with pytest.raises(NotThere):
        drills.show_run(ground.plane, eve, "trial-001")


def test_of_very_many_runs_the_newest_stay(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills, "_MOST_KEPT", 2)

    for number in (1, 2, 3):
        bring(ground, run(number))

    known = drills.known_runs(ground.plane, ground.far.actor).known
    assert sorted(known) == ["trial-002", "trial-003"]
