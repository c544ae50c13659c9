import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.base.ids import FileId, LockId
from holdfast.vault.liveness import Machine
from holdfast.vault.lock_file import Lock, LockFile, ProcessMark
from holdfast.vault.policy.lock_verdict import Process

BOOTED = datetime(2026, 1, 1, tzinfo=UTC)
OUTERMOST = 0xEFFFFFFC
NOON = BOOTED + timedelta(hours=12)


class FakeProc:
    """A folder that reads like /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.put("sys/kernel/random/boot_id", "boot-one\n")
        self.put("stat", f"cpu 1\nbtime {int(BOOTED.timestamp())}\n")
        self.add(1, started=timedelta())

    def put(self, name: str, content: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def add(self, pid: int, *, started: timedelta, state: str = "S", inner: int = 0) -> None:
        ticks = int(started.total_seconds() * os.sysconf("SC_CLK_TCK"))
        rest = " ".join("0" for _ in range(18))
        self.put(f"{pid}/stat", f"{pid} (a) b) {state} {rest} {ticks} 0\n")
        self.put(
            f"{pid}/status", f"Name:\ta) b\nNSpid:\t{pid}" + (f"\t{inner}\n" if inner else "\n")
        )


class OutermostMachine(Machine):
    """As on a host, wherever the test runs."""

    def _namespace(self) -> int:
        return OUTERMOST


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    return FakeProc(tmp_path)


@pytest.fixture
def machine(proc: FakeProc) -> Machine:
    return OutermostMachine("alpha", proc=str(proc.root))


def lock(
    *, pid: int = 77, host: str = "alpha", at: datetime = NOON, mark: ProcessMark | None = None
) -> Lock:
    stored = LockFile(
        time=at.isoformat(), exclusive=True, hostname=host, username="ada", pid=pid, holdfast=mark
    )
    return Lock(LockId(FileId("0" * 64)), at, stored)


def test_nothing_is_known_of_another_host(machine: Machine) -> None:
    assert machine.process(lock(host="beta")) is Process.UNKNOWN


def test_a_number_nobody_bears_is_a_process_that_ended(machine: Machine) -> None:
    assert machine.process(lock()) is Process.GONE


def test_a_zombie_has_ended(machine: Machine, proc: FakeProc) -> None:
    proc.add(77, started=timedelta(hours=1), state="Z")

    assert machine.process(lock()) is Process.GONE


def test_a_process_with_the_number_may_be_the_holder(machine: Machine, proc: FakeProc) -> None:
    proc.add(77, started=timedelta(hours=1))

    assert machine.process(lock()) is Process.UNKNOWN


def test_a_process_younger_than_the_lock_is_another_one(machine: Machine, proc: FakeProc) -> None:
    proc.add(77, started=timedelta(hours=13))

    assert machine.process(lock()) is Process.REPLACED


def test_a_process_in_a_container_under_our_name_counts_by_its_inner_number(
    machine: Machine, proc: FakeProc
) -> None:
    proc.add(4000, started=timedelta(hours=1), inner=77)

    assert machine.process(lock()) is Process.UNKNOWN


def test_inside_a_container_a_missing_number_proves_nothing(proc: FakeProc) -> None:
    assert Machine("alpha", proc=str(proc.root)).process(lock()) is Process.UNKNOWN


def test_a_proc_that_hides_others_proves_nothing(machine: Machine, proc: FakeProc) -> None:
    (proc.root / "1/stat").unlink()

    assert machine.process(lock()) is Process.UNKNOWN


def test_our_own_mark_tells_exactly(machine: Machine, proc: FakeProc) -> None:
    proc.add(77, started=timedelta(hours=1))
    mark = machine.mark(77)
    before = machine.process(lock(mark=mark))

    proc.add(77, started=timedelta(hours=2))

    assert before is Process.ALIVE
    assert machine.process(lock(mark=mark)) is Process.GONE


def test_a_mark_of_another_container_proves_nothing(machine: Machine) -> None:
    mark = ProcessMark("boot-one", 12345, 1)

    assert machine.process(lock(mark=mark)) is Process.UNKNOWN


def test_a_lock_from_before_the_reboot_is_dead(machine: Machine) -> None:
    mark = ProcessMark("boot-zero", OUTERMOST, 1)

    assert machine.process(lock(at=BOOTED - timedelta(hours=1), mark=mark)) is Process.GONE


def test_a_fresh_lock_of_another_boot_is_that_of_a_clone(machine: Machine) -> None:
    mark = ProcessMark("boot-zero", OUTERMOST, 1)

    assert machine.process(lock(mark=mark)) is Process.UNKNOWN


def test_the_real_proc_knows_this_very_process() -> None:
    real = Machine("alpha")
    mark = real.mark(os.getpid())

    assert mark is not None
    assert real.process(lock(pid=os.getpid(), mark=mark, at=datetime.now(UTC))) is Process.ALIVE
