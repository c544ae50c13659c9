"""Several machines backed up by one command: how those that fail and those that wait are told."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.app.vm_backups import VmOutcome
from holdfast.base.clock import SystemClock
from holdfast.base.errors import Exit
from holdfast.cli.output import JsonOutput, TextOutput
from holdfast.cli.vm_backup_report import tell_several, teller
from holdfast.cli.vm_waiting import told_waiting
from holdfast.hypervisor.errors import VmMissing
from holdfast.machines.backup_errors import VmOperationRunning
from holdfast.machines.turn_files import Waiting
from holdfast.machines.turns import InTheWay, Turn
from holdfast.testing.clock import FakeClock

CLOCK = SystemClock()
SINCE = datetime(2026, 1, 1, 11, 58, tzinfo=UTC)
MISSING = VmOutcome(vm="nobody", error=VmMissing(about="nobody"))
BUSY = VmOutcome(vm="web", error=VmOperationRunning(about="web", work="restore", pid=7, age="0:10"))
CRASHED = VmOutcome(vm="db", error=OSError(28, "No space left on device"))


def waiting(*numbers: int, seconds: float, store: str | None = None) -> Waiting:
    holders = tuple(
        Turn(number=number, name=f"vm{number}", pid=number, since=SINCE, is_taken=True)
        for number in numbers
    )
    return Waiting(vm="web", seconds=seconds, blocked=InTheWay(store=store, holders=holders))


def events(said: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in said.splitlines()]


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [([BUSY], Exit.LOCKED), ([BUSY, MISSING], Exit.FAILED), ([CRASHED, BUSY], Exit.FAILED)],
)
def test_the_exit_status_is_the_worst(
    outcomes: list[VmOutcome], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell_several(TextOutput(CLOCK), outcomes, seconds=61) == status

    assert "in 1:01, backed up: 0" in capsys.readouterr().out


def test_programs_hear_of_each_at_once_and_of_all_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = JsonOutput(CLOCK)

    with teller(out) as tell:
        tell(BUSY)
        at_once = events(capsys.readouterr().out)
        tell(CRASHED)
    tell_several(out, [BUSY, CRASHED], seconds=2)
    later = events(capsys.readouterr().out)

    assert [(one["event"], one["vm"], one["code"]) for one in at_once] == [
        ("vm-backup-failed", "web", "vm-operation-running")
    ]
    assert later[0]["code"] == "unexpected"
    assert later[-1]["failed"] == {"web": "vm-operation-running", "db": "unexpected"}
    assert later[-1]["made"] == []


def test_people_hear_of_each_when_the_bar_is_gone_even_if_they_interrupted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen_before: list[str] = []

    def interrupted() -> None:
        with teller(TextOutput(CLOCK)) as tell:
            tell(MISSING)
            seen_before.append(capsys.readouterr().err)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert seen_before == [""]
    assert "vm-missing" in capsys.readouterr().err


def test_whom_a_machine_waits_for_is_said_when_these_are_others_and_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell = told_waiting(TextOutput(CLOCK), FakeClock())

    for seconds in range(0, 100, 5):
        tell(waiting(1, 2, seconds=seconds))
    tell(waiting(2, seconds=101, store="/images"))

    assert capsys.readouterr().out.splitlines() == [
        "web waits for its turn on this host for 0:00; at work: vm1, vm2",
        "web waits for its turn on this host for 1:00; at work: vm1, vm2",
        "web waits for its turn in /images for 1:41; at work: vm2",
    ]


def test_programs_learn_who_holds_what_for_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock(SINCE + timedelta(seconds=90))

    told_waiting(JsonOutput(CLOCK), clock)(waiting(1, seconds=3, store="/images"))

    (event,) = events(capsys.readouterr().out)
    assert (event["event"], event["store"], event["seconds"]) == ("vm-waiting", "/images", 3)
    assert event["holders"] == [{"vm": "vm1", "pid": 1, "at_work": True, "seconds": 90.0}]
