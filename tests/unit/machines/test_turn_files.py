"""Turns as files: seen by every process, gone with its own, and never in the way afterwards."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.machine_spec import DiskSpec
from holdfast.machines.backup_errors import VmTurnNotCome
from holdfast.machines.datastores import stores_of
from holdfast.machines.turn_files import TURNS, TurnWish, Waiting, turn
from holdfast.machines.turns import TurnLimits
from holdfast.testing import killing
from holdfast.testing.clock import FakeClock

ONE = TurnLimits(per_host=1, per_store=1)


def wish(vm: str, *, told: list[Waiting] | None = None, wait: float = 0) -> TurnWish:
    return TurnWish(
        vm=vm,
        stores={"fs:8:1": "/images"},
        limits=ONE,
        wait=timedelta(seconds=wait),
        on_waiting=(told if told is not None else []).append,
    )


def left(home: Path) -> list[str]:
    return [name for name in os.listdir(home / "vms" / TURNS) if name != "gate"]


@contextmanager
def held(home: Path, vm: str) -> Iterator[None]:
    with turn(str(home), wish(vm), FakeClock()):
        yield


def test_who_waits_too_long_learns_behind_whom_and_leaves_the_queue(tmp_path: Path) -> None:
    told: list[Waiting] = []
    with held(tmp_path, "web"):
        with (
            pytest.raises(VmTurnNotCome, match=rf"db waited 1:00 .* web \(pid {os.getpid()}"),
            turn(str(tmp_path), wish("db", told=told, wait=60), FakeClock()),
        ):
            pytest.fail("it was not its turn")

        assert left(tmp_path) == ["1"]

    assert left(tmp_path) == []
    assert [each.blocked.holders[0].name for each in told[:2]] == ["web", "web"]
    assert told[0].seconds < told[-1].seconds < 60


def test_it_is_the_turn_of_the_next_when_one_has_ended(tmp_path: Path) -> None:
    clock, order = FakeClock(), []
    with ExitStack() as first:
        first.enter_context(held(tmp_path, "web"))

        def end_it(now: Waiting) -> None:
            order.append(now.vm)
            first.close()

        waiting = TurnWish(
            vm="db",
            stores={"fs:8:1": "/images"},
            limits=ONE,
            wait=timedelta(hours=1),
            on_waiting=end_it,
        )
        with turn(str(tmp_path), waiting, clock):
            order.append("begun")

    assert order == ["db", "begun"]


def test_an_error_while_it_waits_or_works_leaves_nothing(tmp_path: Path) -> None:
    def stop(_: Waiting) -> None:
        raise KeyboardInterrupt

    waiting = TurnWish(vm="db", stores={}, limits=ONE, wait=timedelta(hours=1), on_waiting=stop)
    with (
        pytest.raises(KeyboardInterrupt),
        held(tmp_path, "web"),
        turn(str(tmp_path), waiting, FakeClock()),
    ):
        pytest.fail("it was not its turn")

    assert left(tmp_path) == []


def test_the_killed_have_no_turn(tmp_path: Path) -> None:
    def take_it_and_die() -> str:
        with turn(str(tmp_path), wish("killed"), SystemClock()):
            os.kill(os.getpid(), signal.SIGKILL)
        return "alive"

    assert killing.start(take_it_and_die).end() == ""
    assert left(tmp_path) == ["1"]

    with held(tmp_path, "web"):
        assert left(tmp_path) == ["2"]


def test_a_file_that_means_nothing_keeps_nobody_from_work(tmp_path: Path) -> None:
    folder = tmp_path / "vms" / TURNS
    folder.mkdir(parents=True)
    (folder / "7").write_text("{")
    (folder / "notes").write_text("what somebody put there")

    with held(tmp_path, "web"):
        assert sorted(left(tmp_path)) == ["8", "notes"]


def test_disks_of_one_file_system_lie_in_one_datastore(tmp_path: Path) -> None:
    def disk(target: str, kind: str, source: str, protocol: str | None = None) -> DiskSpec:
        return DiskSpec(
            target=target, bus="virtio", device="disk", format="raw", kind=kind, source=source,
            protocol=protocol,
        )  # fmt: skip

    here = stores_of(
        [disk("vda", "file", str(tmp_path / "a")), disk("vdb", "file", str(tmp_path / "b"))]
    )
    pools = stores_of(
        [
            disk("vda", "network", "ssd/web", "rbd"),
            disk("vdb", "network", "ssd/db", "rbd"),
            disk("vdc", "volume", "default/web"),
            disk("vdd", "block", "/dev/null"),
            disk("vde", "file", "/nowhere/at/all"),
        ]
    )

    assert len(here) == 1
    assert os.path.ismount(next(iter(here.values())))
    assert pools == {"rbd:ssd": "ssd", "volume:default": "default", "device:/dev/null": "/dev/null"}
