"""Recoveries and plans of a server in each kind of database, with its real workflow engine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plan_runs import begin_run
from holdfast.app.control.recovery_kit import kit_of_server
from holdfast.app.control.recovery_plans import put_plan
from holdfast.app.control.recovery_views import show_recovery
from holdfast.app.control.sites import NewSite, add_site
from holdfast.base.clock import SystemClock
from holdfast.catalog.tables import Job
from holdfast.fleet.messages import JobReport
from holdfast.recovery.record import Stage
from holdfast.server import nudging
from holdfast.server.workflows import engine
from holdfast.testing.planes import Registered
from holdfast.testing.waiting import wait_until
from tests.unit.app.control.replication_ground import Ground
from tests.unit.app.control.test_recoveries import failed_over, record, tell

pytestmark = [pytest.mark.real, pytest.mark.slow]

PLAN = """\
version: 1
name: shop
groups:
  - name: first
    machines:
      - vm: db
  - name: second
    machines:
      - vm: web
"""


@pytest.fixture
def ground(tmp_path: Path, database_url: str) -> Iterator[Ground]:
    """`db` is replicated to one host, `web` to another."""
    made = Ground(tmp_path, database_url)
    made.plane = replace(made.plane, clock=SystemClock())
    made.everybody_lives()
    made.site()
    second = NewSite(name="busan", machine_id=made.two.id, folder="/srv/replicas")
    add_site(made.plane, made.admin, second)
    made.want("db")
    made.want("web", site="busan")
    yield made
    made.plane.database.close()


def _job(ground: Ground, vm: str) -> Job | None:
    with ground.plane.database.read() as db:
        found = db.query(Job).filter(Job.machine_id.is_not(None)).all()
    return next((one for one in found if one.arguments["vm"].endswith(vm)), None)


def _is_there(ground: Ground, vm: str) -> Job:
    wait_until(lambda: _job(ground, vm))
    job = _job(ground, vm)
    assert job is not None
    return job


def _done(ground: Ground, job: Job, host: Registered) -> None:
    report = JobReport(
        number=1,
        kind=job.kind,
        origin="person",
        source=job.source,
        state="done",
        created_at=job.created_at,
        arguments=job.arguments,
    )
    report_job(ground.plane, host.actor, job.id, report)
    nudging.nudge(job.id)


def _state(ground: Ground, job_id: str) -> str:
    with ground.plane.database.read() as db:
        return db.get_one(Job, job_id).state


def test_a_plan_goes_on_across_hosts_and_over_the_death_of_its_server(ground: Ground) -> None:
    engine.start(ground.plane, "one")
    try:
        plan = put_plan(ground.plane, ground.admin, ground.vault, PLAN)
        run = begin_run(
            ground.plane, ground.admin, plan.id, act="unplanned", source_is_down=True, keep=None
        )
        nudging.nudge(run.id)
        first = _is_there(ground, "db")

        engine.stop(patience=1)
        engine.start(ground.plane, "one")
        _done(ground, first, ground.far)
        second = _is_there(ground, "web")
        _done(ground, second, ground.two)

        wait_until(lambda: _state(ground, run.id) == "done")
    finally:
        engine.stop(patience=5)

    assert (first.machine_id, second.machine_id) == (ground.far.id, ground.two.id)
    with ground.plane.database.read() as db:
        assert db.query(Job).filter(Job.machine_id.is_not(None)).count() == 2


def test_what_hosts_tell_is_kept_and_goes_into_the_kit(ground: Ground) -> None:
    failed_over(ground)
    tell(ground, ground.far, record(epoch=2, runs_at=ground.far.id, stage=Stage.COMMITTED))

    view = show_recovery(ground.plane, ground.admin, "db")
    kit = kit_of_server(
        ground.plane.database,
        now=ground.plane.clock.now(),
        made_on="server",
        address=ground.plane.address,
        contacts=("Ada",),
    )

    assert (view.stage, view.epoch, view.runs_on) == ("committed", 2, "far")
    assert [(one.name, one.host) for one in kit.sites] == [("berlin", "far"), ("busan", "kvm2")]
    # What runs at its site is replicated nowhere until it is reprotected.
    assert [(one.name, one.site_host) for one in kit.machines] == [("web", "kvm2")]
