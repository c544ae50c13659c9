"""What people are offered to do with a machine is what its hosts would do, and where."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.errors import NotThere
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.recovery_choices import ActChoice, show_choices, show_preflight
from holdfast.app.control.recovery_orders import order_act
from holdfast.base.texts import speaking
from holdfast.catalog.tables import Job
from holdfast.fleet.messages import JobReport
from holdfast.fleet.recovery_messages import TrialTold
from holdfast.recovery.record import Act, ActKind, Promoted, Stage
from tests.unit.app.control.replication_ground import Ground, uuid_of
from tests.unit.app.control.test_recoveries import record, tell


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    made.vms(made.one, "db")
    made.replicated("db")
    return made


def choices(ground: Ground) -> list[ActChoice]:
    return show_choices(ground.plane, ground.admin, "db").choices


def offered(ground: Ground) -> set[tuple[str, str]]:
    return {(one.kind, one.machine) for one in choices(ground)}


def promoted(ground: Ground) -> Promoted:
    return Promoted(
        generation="aaaa",
        taken_at=ground.clock.now(),
        name="db",
        uuid=uuid_of("db"),
        folder="/srv/replicas/db",
        disks=(),
    )


def test_what_is_protected_can_be_tested_and_failed_over_at_its_site(ground: Ground) -> None:
    assert offered(ground) == {
        ("test", "far"),
        ("planned", "far"),
        ("planned-live", "far"),
        ("unplanned", "far"),
    }


def test_what_was_failed_over_can_be_kept_or_taken_back_where_it_runs(ground: Ground) -> None:
    where = {"epoch": 1, "runs_at": ground.far.id}
    there = record(**where, stage=Stage.FAILED_OVER, promoted=promoted(ground))
    tell(ground, ground.far, there)
    tell(ground, ground.one, record(**where))

    kinds = {kind for kind, host in offered(ground) if host == "far"}

    assert {"change-point", "undo", "commit", "reprotect"} <= kinds
    assert "planned" not in kinds


def test_what_stands_still_is_offered_to_go_on(ground: Ground) -> None:
    act = Act(id="a1", kind=ActKind.PLANNED, who="ada", begun_at=ground.clock.now())
    tell(ground, ground.far, record(stage=Stage.FAILING_OVER, act=act))

    going_on = [one.kind for one in choices(ground) if one.is_going_on]

    assert going_on == ["planned"]
    assert "undo" in {one.kind for one in choices(ground)}


def test_a_clean_up_is_offered_only_where_a_test_is_left(ground: Ground) -> None:
    left = TrialTold(
        vm=uuid_of("db"),
        name="db-test-1",
        began_at=ground.clock.now(),
        ends_at=ground.clock.now() + timedelta(hours=2),
    )
    tell(ground, ground.far, trials=[left])

    seen = show_choices(ground.plane, ground.admin, "db")

    assert ("clean-up", "far") in offered(ground)
    assert [(one.name, one.machine) for one in seen.trials] == [("db-test-1", "far")]


def looked(ground: Ground, **result: Any) -> str:
    """A look that its host has taken."""
    made = order_act(ground.plane, ground.admin, "db", act="check", arguments={"act": "planned"})
    with ground.plane.database.read() as db:
        job = db.get_one(Job, made.id)
    report = JobReport(
        number=1,
        kind=job.kind,
        origin="person",
        source=job.source,
        state="done",
        created_at=job.created_at,
        arguments=job.arguments,
        result=result,
    )
    report_job(ground.plane, ground.far.actor, job.id, report)
    return made.id


def test_a_look_that_nobody_has_taken_yet_says_nothing(ground: Ground) -> None:
    made = order_act(ground.plane, ground.admin, "db", act="check", arguments={"act": "planned"})

    seen = show_preflight(ground.plane, ground.admin, made.id)

    assert (seen.is_over, seen.is_clear, seen.act) == (False, None, "planned")


def test_what_a_look_has_found_is_said_in_the_language_of_who_asks(ground: Ground) -> None:
    problem = {
        "code": "failover-mac-taken",
        "message": "in the language of the host",
        "remedy": "of the host",
        "fields": {"about": "db", "other": "web", "mac": "52:54:00:00:00:01"},
    }
    job = looked(ground, clear=False, problems=[problem], doubts=["d"], networks={"lan": "lan"})

    with speaking("en"):
        seen = show_preflight(ground.plane, ground.admin, job)

    assert (seen.is_over, seen.is_clear, seen.doubts) == (True, False, ["d"])
    assert seen.problems[0].code == "failover-mac-taken"
    assert "52:54:00:00:00:01" in seen.problems[0].message
    assert seen.problems[0].message != problem["message"]


def test_another_job_is_no_look(ground: Ground) -> None:
    made = order_act(ground.plane, ground.admin, "db", act="test", arguments={})

    with pytest.raises(NotThere):
        show_preflight(ground.plane, ground.admin, made.id)
