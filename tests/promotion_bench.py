"""A machine of one host with a replica at the other, and the other one ready to start it."""

import copy
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.promoting import Place, PromotionWish, plan_promotion, promote
from holdfast.replication.site import Site
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicating import Replicating
from holdfast.testing.still_machine import StillMachine
from tests.machines_bench import clear

CLOCK = SystemClock()
FIRST, SECOND = "vda", "sda"
SIZES = {FIRST: 6 * MIB, SECOND: 3 * MIB}
ACT = "act1"
_PATIENCE = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicated:
    """`points` is what the disks held at each generation, the oldest first."""

    machine: StillMachine
    south: KvmHost
    hypervisor: Host
    folder: Path
    points: dict[str, dict[str, bytes]]
    numbers: list[int] = field(default_factory=list)

    @property
    def newest(self) -> str:
        return list(self.points)[-1]

    @property
    def oldest(self) -> str:
        return next(iter(self.points))

    def place(self, *, on_step: Callable[[str], None] | None = None) -> Place:
        """A site of its own with this replica, as good as new."""
        self.numbers.append(len(self.numbers))
        folder = self.folder.with_name(f"replicas{len(self.numbers)}")
        shutil.copytree(self.folder, folder)
        place = Place(
            host=self.hypervisor,
            site=Site(folder, CLOCK),
            clock=CLOCK,
            tpm_folder=self.south.folder / "state" / "swtpm",
        )
        return place if on_step is None else replace(place, on_step=on_step)

    def wish(self, generation: str = "", **changes: Any) -> PromotionWish:
        told: dict[str, Any] = {"act": ACT, "generation": generation or self.newest}
        return PromotionWish(**(told | changes))

    def there(self) -> StillMachine:
        """The machine at the other host, to write to it and to read it."""
        moved = copy.copy(self.machine)
        moved.host, moved.hypervisor = self.south, self.hypervisor
        moved.folder.mkdir(exist_ok=True)
        moved.disks = {target: copy.copy(disk) for target, disk in self.machine.disks.items()}
        return moved


@pytest.fixture(scope="module")
def replicated(
    kvm_hosts: tuple[KvmHost, KvmHost], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicated]:
    """It is off, and its replica has three points."""
    north, south = kvm_hosts
    clear(south)
    root = tmp_path_factory.mktemp("promotion")
    with Host.open(north.uri) as one, Host.open(south.uri) as other:
        machine = StillMachine(north, one, "still", SIZES)
        try:
            machine.start()
            folder = south.folder / root.name / "replicas"
            site = Site(folder, CLOCK)
            replicating = Replicating(
                one, machine.uuid, root / "home", north.folder / root.name, site
            )
            points = {}
            for number in range(3):
                machine.write(FIRST, number * MIB, f"point {number} ".encode() * 1000)
                machine.write(SECOND, number * 64 * 1024, f"other {number} ".encode() * 100)
                replicating.point()
                facts = site.state(machine.uuid)
                assert facts is not None
                points[facts.head] = {disk.target: bytes(disk.content) for disk in machine.plugged}
            machine.stop()
            yield Replicated(
                machine=machine, south=south, hypervisor=other, folder=folder, points=points
            )
        finally:
            machine.remove()
            shutil.rmtree(south.folder / root.name, ignore_errors=True)
            shutil.rmtree(south.images / machine.name, ignore_errors=True)


def was_killed(place: Place, vm: str, wish: PromotionWish, step: str) -> bool:
    """In a process of its own, by itself and for good; False where no such step was met."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    told = (place.host.uri, place.site.folder, vm, wish, step)
    process = context.Process(target=_promote, args=told, daemon=True)
    process.start()
    process.join(_PATIENCE)
    status = process.exitcode
    assert status in (0, -signal.SIGKILL), f"the promotion ended with {status}"
    process.close()
    return status != 0


def _promote(uri: str, folder: Path, vm: str, wish: PromotionWish, step: str) -> None:
    def on_step(now: str) -> None:
        if now == step:
            os.kill(os.getpid(), signal.SIGKILL)

    with Host.open(uri) as host:
        place = Place(host=host, site=Site(folder, CLOCK), clock=CLOCK, on_step=on_step)
        promote(place, plan_promotion(place, vm, wish))
