"""Plans run by the server: each machine by a job of its host, in order, once, whatever dies."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control import server_work
from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.job_errors import ArgumentsWrong
from holdfast.app.control.job_orders import cancel_job
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plan_checks import check_plan
from holdfast.app.control.plan_driving import drive_slice
from holdfast.app.control.plan_run_errors import PlanNeedsHost, PlanStillRuns
from holdfast.app.control.plan_runs import answer, begin_run, resume_run
from holdfast.app.control.recovery_errors import RecoveryNowhere
from holdfast.app.control.recovery_plans import list_plans, put_plan, remove_plan
from holdfast.app.control.sites import NewSite, add_site
from holdfast.catalog.tables import Job
from holdfast.fleet.jobs import State
from holdfast.fleet.messages import JobReport
from holdfast.fleet.roles import Role
from holdfast.recovery.plans.plan_errors import PlanMachineTwice
from holdfast.recovery.record import RecoveryRecord, Stage
from holdfast.testing.planes import Registered, add_person
from tests.unit.app.control.replication_ground import Ground, uuid_of
from tests.unit.app.control.test_recoveries import record, tell

PLAN = """\
version: 1
name: shop
groups:
  - name: first
    machines:
      - vm: db
  - name: second
    pre:
      - name: look
        confirm: Does the database answer?
    machines:
      - vm: web
"""


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    made.vms(made.one, "db", "web")
    made.replicated("db", "web")
    return made


def begun(ground: Ground, act: str = "unplanned", *, text: str = PLAN, **more: Any) -> str:
    plan = put_plan(ground.plane, ground.admin, ground.vault, text)
    wanted = {"act": act, "source_is_down": True, "keep": None, **more}
    job = begin_run(ground.plane, ground.admin, plan.id, **wanted)
    server_work.begin(ground.plane, job.id)
    return job.id


def driven(ground: Ground, run: str) -> dict[str, Any]:
    """A look at it, by a process that knows nothing of those before."""
    done = drive_slice(ground.plane, run)
    progress = {name: value for name, value in done.items() if name == "run"}
    server_work.note_progress(ground.plane, run, progress)
    return done


def jobs(ground: Ground) -> dict[str, Job]:
    """Those of hosts, by what they are about."""
    with ground.plane.database.read() as db:
        found = db.query(Job).filter(Job.machine_id.is_not(None)).order_by(Job.created_at).all()
    return {f"{one.kind} {one.arguments['vm'].removeprefix('uuid-of-')}": one for one in found}


def end(ground: Ground, job: Job, state: str = "done", host: Registered | None = None) -> None:
    report = JobReport(
        number=job.report_number + 1,
        kind=job.kind,
        origin="person",
        source=job.source,
        state=state,
        created_at=job.created_at,
        arguments=job.arguments,
        error={"code": "8038", "message": "no memory"} if state == "failed" else None,
    )
    report_job(ground.plane, (host or ground.far).actor, job.id, report)


def test_groups_come_one_after_the_other_and_people_are_asked_between(ground: Ground) -> None:
    run = begun(ground)

    driven(ground, run)
    first = jobs(ground)
    driven(ground, run)
    end(ground, first["failover-unplanned db"])
    asked = driven(ground, run)
    answer(ground.plane, ground.admin, run, step="second/pre-1", decision="yes")
    driven(ground, run)
    both = jobs(ground)
    end(ground, both["failover-unplanned web"])
    done = driven(ground, run)

    assert list(first) == ["failover-unplanned db"]
    assert first["failover-unplanned db"].machine_id == ground.far.id
    assert first["failover-unplanned db"].arguments["source_is_down"] is True
    assert asked["is_over"] is False
    assert sorted(both) == ["failover-unplanned db", "failover-unplanned web"]
    assert (done["is_over"], done["state"]) == (True, "done")


@pytest.mark.parametrize("act", ["unplanned", "planned"])
def test_sources_that_still_answer_are_tried_first_if_nobody_is_sure_of_them(
    ground: Ground, act: str
) -> None:
    text = PLAN.replace("vm: db", "{vm: db, force: true, shutdown-within: 1m}")
    run = begun(ground, act, text=text, source_is_down=False, try_shut_down=True)
    for _turn in range(2):
        driven(ground, run)
        for job in jobs(ground).values():
            if job.state == "waiting":
                end(ground, job)

    told = jobs(ground)[f"failover-{act} db"].arguments
    assert told.get("try_shut_down") == (True if act == "unplanned" else None)
    assert (told["force"], told["shutdown_within"]) == (True, "60s")


@pytest.mark.parametrize("stage", [Stage.FAILED_OVER, Stage.COMMITTED])
@pytest.mark.parametrize("act", ["unplanned", "planned"])
def test_what_runs_there_already_is_passed_over(ground: Ground, act: str, stage: Stage) -> None:
    there = record(epoch=1, runs_at=ground.far.id, stage=stage)
    tell(ground, ground.far, there)
    run = begun(ground, act)

    driven(ground, run)
    for name in jobs(ground):
        assert name == "failover-planned web"
        end(ground, jobs(ground)[name])
    asked = driven(ground, run)

    steps = asked["run"]["steps"]
    assert steps["first/db/start"]["state"] == "already"
    assert steps["second/pre-1"]["state"] == "running"
    assert not [name for name in jobs(ground) if name.endswith(" db")]


HOME = """\
name: home
groups:
  - name: all
    machines:
      - {vm: web, force: true, shutdown-within: 1m, networks: {lan: dmz}}
      - vm: db
"""


def test_a_planned_run_brings_home_what_follows_there(ground: Ground) -> None:
    seoul = NewSite(name="seoul", machine_id=ground.one.id, folder="/srv/replicas")
    add_site(ground.plane, ground.admin, seoul)
    ground.want("web", ground.far, "seoul")
    away: dict[str, Any] = {
        "epoch": 1,
        "runs_at": ground.far.id,
        "stage": Stage.PROTECTED_IN_REVERSE,
    }
    back = {"epoch": 2, "runs_at": ground.one.id, "stage": Stage.COMMITTED}
    web = RecoveryRecord(vm=uuid_of("web"), name="web", **away)
    tell(ground, ground.far, web)
    tell(ground, ground.one, web, record(**back))

    run = begun(ground, "planned", text=HOME)
    asked: list[dict[str, Any]] = []
    for _turn in range(2):
        driven(ground, run)
        (job,) = waiting(ground)
        assert (job.kind, job.machine_id) == ("failback", ground.one.id)
        asked.append(dict(job.arguments))
        end(ground, job, host=ground.one)
    done = driven(ground, run)

    assert (done["is_over"], done["state"]) == (True, "done")
    assert done["run"]["steps"]["all/db/start"]["state"] == "already"
    ending = {"vm": uuid_of("web"), "force": True, "shutdown_within": "60s"}
    assert asked == [{**ending, "hand_over_only": True}, ending]


def waiting(ground: Ground) -> list[Job]:
    """Those of hosts that have not begun."""
    with ground.plane.database.read() as db:
        return db.query(Job).filter(Job.machine_id.is_not(None), Job.state == State.WAITING).all()


def test_a_machine_by_its_name_and_by_its_uuid_is_one_machine(ground: Ground) -> None:
    text = PLAN.replace("vm: web", "vm: uuid-of-db")
    plan = put_plan(ground.plane, ground.admin, ground.vault, text)
    how: dict[str, Any] = {"act": "test", "source_is_down": False, "keep": None}

    with pytest.raises(PlanMachineTwice):
        begin_run(ground.plane, ground.admin, plan.id, **how)
    checked = check_plan(ground.plane, ground.admin, ground.vault, text)

    assert [one.problem for one in checked.missing] == [
        "The plan names one machine twice: uuid-of-db and db"
    ]


def test_what_came_there_and_is_protected_in_reverse_is_another_thing(ground: Ground) -> None:
    there = record(epoch=1, runs_at=ground.far.id, stage=Stage.PROTECTED_IN_REVERSE)
    tell(ground, ground.far, there)

    with pytest.raises(RecoveryNowhere):
        begun(ground)


def test_planned_run_ends_all_at_their_hosts_before_it_starts_any(ground: Ground) -> None:
    run = begun(ground, "planned", source_is_down=False)
    orders = []

    for _each in range(6):
        driven(ground, run)
        with ground.plane.database.read() as db:
            found = db.query(Job).filter(Job.machine_id.is_not(None), Job.state == "waiting").all()
        for job in found:
            name = job.arguments["vm"].removeprefix("uuid-of-")
            orders.append((name, bool(job.arguments.get("hand_over_only"))))
            end(ground, job)
        answer(ground.plane, ground.admin, run, step="second/pre-1", decision="yes")
    done = driven(ground, run)

    assert orders == [("web", True), ("db", True), ("db", False), ("web", False)]
    assert (done["is_over"], done["state"]) == (True, "done")


def test_cancelled_planned_run_gives_back_what_it_has_ended(ground: Ground) -> None:
    run = begun(ground, "planned", source_is_down=False)
    driven(ground, run)
    end(ground, jobs(ground)["failover-planned web"])
    driven(ground, run)
    cancel_job(ground.plane, ground.admin, run)
    end(ground, jobs(ground)["failover-planned db"])

    driven(ground, run)

    given = [name for name in jobs(ground) if name.startswith("failover-undo")]
    assert sorted(given) == ["failover-undo db", "failover-undo web"]


def test_what_failed_stops_it_and_is_tried_again_when_it_is_gone_on_with(ground: Ground) -> None:
    run = begun(ground)
    driven(ground, run)
    end(ground, jobs(ground)["failover-unplanned db"], "failed")

    stopped = driven(ground, run)
    with pytest.raises(PlanStillRuns):
        resume_run(ground.plane, ground.admin, run)
    server_work.finish(ground.plane, run, State(stopped["state"]))
    again = resume_run(ground.plane, ground.admin, run).id
    server_work.begin(ground.plane, again)
    ground.minutes(1)
    driven(ground, again)

    assert (stopped["is_over"], stopped["state"]) == (True, "failed")
    assert jobs(ground)["failover-unplanned db"].state == "waiting"


def test_cancelled_it_begins_nothing_more(ground: Ground) -> None:
    run = begun(ground)
    driven(ground, run)
    cancel_job(ground.plane, ground.admin, run)
    end(ground, jobs(ground)["failover-unplanned db"])

    done = driven(ground, run)
    while not done["is_over"]:
        done = driven(ground, run)

    assert done["state"] == "cancelled"
    assert list(jobs(ground)) == ["failover-unplanned db"]


def test_a_test_cleans_up_by_itself(ground: Ground) -> None:
    run = begun(ground, "test")
    driven(ground, run)
    end(ground, jobs(ground)["failover-test db"])
    driven(ground, run)
    answer(ground.plane, ground.admin, run, step="second/pre-1", decision="yes")
    driven(ground, run)
    end(ground, jobs(ground)["failover-test web"])
    driven(ground, run)
    seen = jobs(ground)
    for name in ("db", "web"):
        end(ground, seen[f"failover-cleanup {name}"])

    done = driven(ground, run)

    assert seen["failover-test db"].arguments["keep"].endswith("s")
    assert (done["is_over"], done["state"]) == (True, "done")


@pytest.mark.parametrize("keep", ["0", "soon", "1.5h", "0s", "367d", "99999999999999d"])
def test_a_time_to_keep_a_test_is_one_or_refused(ground: Ground, keep: str) -> None:
    with pytest.raises(ArgumentsWrong, match=keep):
        begun(ground, "test", keep=keep)


def test_a_script_is_run_by_no_server(ground: Ground) -> None:
    text = PLAN.replace("confirm: Does the database answer?", "script: reboot")

    with pytest.raises(PlanNeedsHost):
        put_plan(ground.plane, ground.admin, ground.vault, text)


def test_who_may_only_look_runs_no_plan_and_an_operator_changes_none(ground: Ground) -> None:
    plan = put_plan(ground.plane, ground.admin, ground.vault, PLAN)
    reader = add_person(ground.plane, "rita", role=Role.READER, vault_id=ground.vault)
    operator = add_person(ground.plane, "olga", role=Role.OPERATOR, vault_id=ground.vault)
    how: dict[str, Any] = {"act": "test", "source_is_down": False, "keep": None}

    with pytest.raises(NotAllowed):
        begin_run(ground.plane, reader.actor, plan.id, **how)
    with pytest.raises(NotAllowed):
        remove_plan(ground.plane, operator.actor, plan.id)

    assert begin_run(ground.plane, operator.actor, plan.id, **how).kind == "recovery-plan"
    assert [one.name for one in list_plans(ground.plane, reader.actor)] == ["shop"]


def test_a_plan_of_the_same_name_is_its_next_version(ground: Ground) -> None:
    first = put_plan(ground.plane, ground.admin, ground.vault, PLAN)
    ground.clock.jump(timedelta(minutes=1))

    second = put_plan(ground.plane, ground.admin, ground.vault, PLAN + "rto: 1h\n")

    assert (second.id, first.version, second.version) == (first.id, 1, 2)
    assert second.machines == ["db", "web"]
