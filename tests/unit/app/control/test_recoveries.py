"""What hosts tell of recoveries: shown, ordered at the right host, watched; and no machine moves by it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.app.control import recovery_watch
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.job_errors import ArgumentsWrong
from holdfast.app.control.job_orders import right_for
from holdfast.app.control.job_views import JobView
from holdfast.app.control.recoveries import take_recovery
from holdfast.app.control.recovery_errors import RecoveryNowhere
from holdfast.app.control.recovery_orders import order_act
from holdfast.app.control.recovery_views import list_recoveries, show_recovery
from holdfast.app.control.sites import NewSite, add_site
from holdfast.catalog.tables import Alert, AuditEntry, Machine
from holdfast.fleet.jobs import Kind
from holdfast.fleet.paging import Window
from holdfast.fleet.recovery_messages import (
    DrillTold,
    RecoveryReport,
    RecoveryTold,
    TrialTold,
)
from holdfast.fleet.replication_messages import WriterGrant
from holdfast.fleet.roles import Right, Role
from holdfast.recovery.desk import SPLIT_BRAIN
from holdfast.recovery.record import (
    Act,
    ActKind,
    Event,
    RecoveryRecord,
    Stage,
    StepNote,
    StepState,
)
from holdfast.testing.planes import Registered, add_machine, add_person, add_vault
from tests.unit.app.control.replication_ground import Ground, uuid_of


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    made.vms(made.one, "db")
    made.vms(made.far)
    made.replicated("db")
    return made


def record(**fields: Any) -> RecoveryRecord:
    return RecoveryRecord(vm=uuid_of("db"), name="db", **fields)


def tell(ground: Ground, host: Registered, *records: RecoveryRecord, **more: Any) -> None:
    reports = [RecoveryReport(vm=one.vm, record=msgspec.to_builtins(one)) for one in records]
    told = RecoveryTold(at=ground.clock.now(), records=reports, **more)
    take_recovery(ground.plane, host.actor, told)


def failed_over(ground: Ground, **more: Any) -> None:
    """It runs at the site now, and both hosts know."""
    where = {"epoch": 1, "runs_at": ground.far.id}
    tell(ground, ground.far, record(**where, stage=Stage.FAILED_OVER, **more))
    tell(ground, ground.one, record(**where))


def alerts(ground: Ground) -> dict[str, dict[str, str]]:
    recovery_watch.watch(ground.plane)
    with ground.plane.database.read() as db:
        rows = db.query(Alert).filter(Alert.closed_at.is_(None)).all()
    return {row.kind: dict(row.fields) for row in rows}


def ordered_at(ground: Ground, act: str, **arguments: Any) -> str:
    made = order_act(ground.plane, ground.admin, "db", act=act, arguments=arguments)
    return str(made.machine_id)


def test_a_machine_that_failed_over_has_not_moved(ground: Ground) -> None:
    ground.vms(ground.far, "db")
    ground.vms(ground.one)

    failed_over(ground)

    assert ground.only().machine_id == ground.one.id


def test_a_machine_that_failed_over_is_not_given_to_a_third_host_that_claims_it(
    ground: Ground,
) -> None:
    failed_over(ground)

    ground.vms(ground.one)
    ground.vms(ground.two, "db")

    assert ground.only().machine_id == ground.one.id


def test_sites_are_introduced_and_granted_both_ways(ground: Ground) -> None:
    home = NewSite(name="seoul", machine_id=ground.one.id, folder="/srv/replicas")
    add_site(ground.plane, ground.admin, home)

    site, back = ground.roles(ground.one).site, ground.roles(ground.far).source

    assert site is not None
    assert site.grants == [WriterGrant(vm=uuid_of("db"), machine=ground.far.id)]
    assert back is not None
    assert "seoul" in [one.site for one in back.sites]


def test_a_home_is_not_open_to_hosts_of_other_vaults(ground: Ground) -> None:
    other = add_vault(ground.plane, "other")
    stranger = add_machine(ground.plane, other, "stranger")
    home = NewSite(name="seoul", machine_id=ground.one.id, folder="/srv/replicas")
    add_site(ground.plane, ground.admin, home)
    ground.everybody_lives()

    with pytest.raises(NotThere):
        ground.want("db", stranger, "seoul")


def test_it_is_shown_where_it_runs_and_what_both_hosts_know(ground: Ground) -> None:
    failed_over(ground)

    view = show_recovery(ground.plane, ground.admin, "db")

    assert (view.stage, view.epoch, view.runs_on) == ("failed-over", 1, "far")
    assert {one.machine: one.stage for one in view.hosts} == {
        "far": "failed-over",
        "kvm1": "protected",
    }


def test_what_was_never_failed_over_is_listed_with_what_would_be_lost(ground: Ground) -> None:
    ground.minutes(3)

    (view,) = list_recoveries(ground.plane, ground.admin, Window()).items

    assert (view.stage, view.runs_on, view.replicated_to) == ("protected", "kvm1", ["berlin"])
    assert view.rpo_seconds == 180


def test_nobody_sees_what_lies_in_vaults_of_others(ground: Ground) -> None:
    failed_over(ground)
    stranger = add_person(ground.plane, "eve")

    assert list_recoveries(ground.plane, stranger.actor, Window()).items == []
    with pytest.raises(NotThere):
        show_recovery(ground.plane, stranger.actor, "db")


@pytest.mark.parametrize("act", ["test", "planned", "unplanned", "drill"])
def test_a_failover_is_for_the_host_that_has_the_replica(ground: Ground, act: str) -> None:
    assert ordered_at(ground, act) == ground.far.id


@pytest.mark.parametrize("act", ["undo", "commit", "reprotect"])
def test_what_follows_is_for_the_host_it_runs_on(ground: Ground, act: str) -> None:
    failed_over(ground)

    assert ordered_at(ground, act) == ground.far.id


def test_a_failback_is_for_its_home(ground: Ground) -> None:
    home = NewSite(name="seoul", machine_id=ground.one.id, folder="/srv/replicas")
    add_site(ground.plane, ground.admin, home)
    failed_over(ground)
    ground.want("db", ground.far, "seoul")

    assert ordered_at(ground, "failback") == ground.one.id


def test_an_act_under_way_is_gone_on_with_where_it_was_begun(ground: Ground) -> None:
    act = Act(id="a1", kind=ActKind.UNPLANNED, who="ada", begun_at=ground.clock.now())
    failed_over(ground, act=act)

    assert ordered_at(ground, "unplanned") == ground.far.id


def test_without_a_replica_elsewhere_there_is_nowhere_to_go(ground: Ground) -> None:
    failed_over(ground)

    with pytest.raises(RecoveryNowhere):
        ordered_at(ground, "failback")


def test_an_operator_fails_over_but_does_not_close_the_way_back(ground: Ground) -> None:
    operator = add_person(ground.plane, "olga", role=Role.OPERATOR, vault_id=ground.vault)
    failed_over(ground)

    made = order_act(ground.plane, operator.actor, "db", act="commit", arguments={})
    with pytest.raises(NotAllowed):
        order_act(
            ground.plane,
            operator.actor,
            "db",
            act="commit",
            arguments={"complete_migration": True},
        )

    assert made.kind == "commit"
    assert right_for(Kind.COMMIT, {"complete_migration": True}) is Right.CHANGE_POLICIES


def test_drills_are_scheduled_where_they_are_run(ground: Ground) -> None:
    assert ordered_at(ground, "drill-schedule", schedule="sun 03:00") == ground.far.id


def test_an_operator_schedules_drills_but_does_not_end_them(ground: Ground) -> None:
    operator = add_person(ground.plane, "olga", role=Role.OPERATOR, vault_id=ground.vault)

    def order(**arguments: Any) -> JobView:
        who = operator.actor
        return order_act(ground.plane, who, "db", act="drill-schedule", arguments=arguments)

    made = order(schedule="sun 03:00", checks=["tcp:22"], rto="15m")
    with pytest.raises(NotAllowed):
        order(never=True)

    assert made.kind == "drill-schedule"
    (noted,) = [one for one in audited(ground) if one["kind"] == made.kind]
    assert noted["arguments"]["schedule"] == "sun 03:00"


@pytest.mark.parametrize("wrong", [{}, {"schedule": "sun 03:00", "never": True}, {"rto": "soon"}])
def test_a_schedule_that_cannot_be_meant_is_not_ordered(
    ground: Ground, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentsWrong):
        ordered_at(ground, "drill-schedule", **wrong)


@pytest.mark.parametrize("act", ["test", "drill-schedule"])
def test_no_order_runs_a_command_on_a_host(ground: Ground, act: str) -> None:
    when = {"schedule": "sun 03:00"} if act == "drill-schedule" else dict[str, str]()

    with pytest.raises(ArgumentsWrong, match="on the host itself"):
        ordered_at(ground, act, checks=["tcp:22", " host:rm -r /srv"], **when)


def audited(ground: Ground) -> list[dict[str, Any]]:
    with ground.plane.database.read() as db:
        return [row.detail for row in db.query(AuditEntry) if row.act == "job"]


def test_a_reader_orders_nothing(ground: Ground) -> None:
    reader = add_person(ground.plane, "rita", role=Role.READER, vault_id=ground.vault)

    with pytest.raises(NotAllowed):
        order_act(ground.plane, reader.actor, "db", act="test", arguments={})


def test_an_act_that_stands_still_is_told_until_it_goes_on(ground: Ground) -> None:
    now = ground.clock.now()
    step = StepNote(
        name="promote", state=StepState.FAILED, began_at=now, error="8038", said="no memory"
    )
    act = Act(id="a1", kind=ActKind.PLANNED, who="ada", begun_at=now, steps=(step,))
    tell(ground, ground.far, record(stage=Stage.FAILING_OVER, act=act))

    told = alerts(ground)
    tell(ground, ground.far, record(stage=Stage.FAILED_OVER, epoch=1, runs_at=ground.far.id))

    assert (told["failover-failed"]["vm"], told["failover-failed"]["error"]) == ("db", "8038")
    assert alerts(ground) == {}


def test_a_machine_on_two_hosts_is_one_alert_of_both(ground: Ground) -> None:
    split = Event(what=SPLIT_BRAIN, at=ground.clock.now(), figures={"epoch": 1.0})
    failed_over(ground, events=(split,))

    told = alerts(ground)
    again = record(epoch=2, runs_at=ground.far.id, stage=Stage.PROTECTED_IN_REVERSE)
    tell(ground, ground.far, again)

    assert told["split-brain"]["hosts"] == "far, kvm1"
    assert show_recovery(ground.plane, ground.admin, "db").is_split is False
    assert alerts(ground) == {}


def test_drills_and_tests_that_were_forgotten_are_told(ground: Ground) -> None:
    now = ground.clock.now()
    drill = DrillTold(name="db", at=now, is_passed=False, due_at=now)
    trial = TrialTold(vm=uuid_of("db"), name="db-test-1", began_at=now, ends_at=now)
    tell(ground, ground.far, drills=[drill], trials=[trial])
    ground.minutes(20)

    told = alerts(ground)
    later = now + timedelta(days=30)
    tell(ground, ground.far, drills=[_passed(now, later)], trials=[])

    assert sorted(told) == ["drill-failed", "drill-overdue", "test-not-cleaned"]
    assert alerts(ground) == {}


def _passed(at: datetime, due_at: datetime) -> DrillTold:
    return DrillTold(name="db", at=at, is_passed=True, due_at=due_at)


def test_a_home_in_another_vault_is_open_to_the_host_of_the_replica(ground: Ground) -> None:
    """Somebody let it be replicated there; so it may come back."""
    home = NewSite(name="seoul", machine_id=ground.one.id, folder="/srv/replicas")
    add_site(ground.plane, ground.admin, home)
    other = add_vault(ground.plane, "other")
    with ground.plane.database.write() as db:
        db.get_one(Machine, ground.far.id).vault_id = other

    told = ground.want("db", ground.far, "seoul")

    assert told.machine == ground.one.id
    with pytest.raises(NotThere):
        ground.want("mail", ground.far, "seoul")
