"""What `failover status` and `failover points` say, in words and as JSON lines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from holdfast.app.recovery_looking import RecoveryLook
from holdfast.cli.json_recovery import RecoveryStatus
from holdfast.cli.output import JsonOutput, TextOutput
from holdfast.cli.recovery_report import tell_points, tell_recoveries, tell_recovery
from holdfast.machines.points import Consistency
from holdfast.recovery.desk import Heard
from holdfast.recovery.policy import Place, Standing, legal_acts
from holdfast.recovery.record import (
    Act,
    ActKind,
    Event,
    Fence,
    Promoted,
    RecoveryRecord,
    Stage,
    StepNote,
    StepState,
)
from holdfast.recovery.tested_points import Tested as Shown
from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.site_orders import SourceTidings
from holdfast.testing.clock import FakeClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POINT = ReplicaPoint(
    generation="holdfast-1",
    taken_at=NOON,
    applied_at=NOON,
    consistency=Consistency.CRASH,
    disks=(),
)
PROMOTED = Promoted(
    generation="holdfast-1",
    taken_at=NOON,
    name="web",
    uuid="vm",
    folder="/running/a",
    disks=(),
    started_at=NOON,
)


def look(*, place: Place = Place.SITE, is_at_work: bool = False, **record: Any) -> RecoveryLook:
    known = RecoveryRecord(vm="vm", name="web", **record)
    standing = Standing(
        about="web",
        place=place,
        stage=known.stage,
        epoch=known.epoch,
        under_way=known.act,
        has_replica=True,
    )
    return RecoveryLook(
        record=known,
        standing=standing,
        possible=legal_acts(standing),
        is_at_work=is_at_work,
        heard=Heard(at=NOON, tidings=SourceTidings(is_active=True)),
        points=(POINT,),
        tested={"holdfast-1": Shown(generation="holdfast-1", at=NOON, trial="one")},
        written=0,
    )


def failing_act() -> Act:
    note = StepNote(name="promote", state=StepState.FAILED, began_at=NOON, said="no memory")
    return Act(id="a", kind=ActKind.UNPLANNED, who="ada", begun_at=NOON, steps=(note,))


def said(capsys: pytest.CaptureFixture[str], one: RecoveryLook) -> str:
    tell_recovery(TextOutput(FakeClock()), one)
    return capsys.readouterr().out


def test_of_a_machine_at_rest_it_says_what_may_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, look())

    assert "unplanned failover" in text
    assert "protected" in text


def test_an_act_that_stands_still_is_told_with_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys, look(stage=Stage.FAILING_OVER, act=failing_act()))

    assert "no memory" in text
    assert "holdfast failover web --unplanned" in text


def test_an_act_that_somebody_performs_needs_nobody_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys, look(stage=Stage.FAILING_OVER, act=failing_act(), is_at_work=True))

    assert "holdfast failover web --unplanned" not in text


def test_a_machine_at_both_hosts_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    event = Event(what="split-brain", at=NOON, figures={"epoch": 1.0})
    one = look(place=Place.PROMOTED, stage=Stage.FAILED_OVER, epoch=1, events=(event,))

    assert one.split == event
    assert "both hosts" in said(capsys, one)


def test_a_split_of_an_epoch_that_is_over_is_history() -> None:
    event = Event(what="split-brain", at=NOON, figures={"epoch": 1.0})

    assert look(epoch=2, events=(event,)).split is None


def test_points_say_which_runs_and_which_was_tested(capsys: pytest.CaptureFixture[str]) -> None:
    one = look(place=Place.PROMOTED, stage=Stage.FAILED_OVER, promoted=PROMOTED)

    tell_points(TextOutput(FakeClock()), one)

    assert "runs, tested" in capsys.readouterr().out


def test_points_by_a_wrong_clock_say_when_they_came(capsys: pytest.CaptureFixture[str]) -> None:
    ahead = msgspec.structs.replace(POINT, generation="ahead", taken_at=NOON + timedelta(hours=1))

    tell_points(TextOutput(FakeClock()), replace(look(), points=(POINT, ahead)))

    listed = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "by a wrong clock: it came at" in listed["ahead"]
    assert "wrong clock" not in listed["holdfast-1"]


def test_each_machine_is_a_line_and_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    looks = [look(), look(stage=Stage.FAILING_OVER, act=failing_act())]

    tell_recoveries(JsonOutput(FakeClock()), looks)

    lines = capsys.readouterr().out.splitlines()
    events = [msgspec.json.decode(line) for line in lines]
    kept = [msgspec.json.decode(line, type=RecoveryStatus) for line in lines]
    assert [msgspec.to_builtins(each) for each in kept] == events
    assert [event["stage"] for event in events] == ["protected", "failing-over"]
    assert events[1]["act"]["steps"][0]["said"] == "no memory"
    assert events[1]["act"]["at_work"] is False


def test_a_home_that_gave_its_machine_away_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    fence = Fence(act="a", epoch=1, since=NOON)

    tell_recovery(TextOutput(FakeClock(NOON)), look(place=Place.HOME, fence=fence, epoch=1))

    said = capsys.readouterr().out
    assert "given to the other host" in said
    assert "Barred here since" in said
