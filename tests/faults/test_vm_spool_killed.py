"""A vault takes packs long after the disks of a machine were read: what goes wrong in that time."""

import os
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.connection import Host
from holdfast.machines.points import Rung
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.vm_job import VmReport
from holdfast.storage.errors import StorageFull
from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.protocol import Content, Storage
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.vaults import identity, open_vault
from holdfast.testing.vm_backups import CLOCK, VmBackups, assert_same_disk
from holdfast.testing.vm_killing import Death, was_killed
from holdfast.testing.waiting import wait_until
from tests.faults.conftest import Faults
from tests.machines_bench import MARKS

pytestmark = [pytest.mark.faults, *MARKS]

MIB = 1 << 20
PATIENCE = 90.0
TARGET = "vda"
# More packs than wait in memory.
CHANGED = 96 * MIB
SIZE = CHANGED + 24 * MIB
DICE = random.Random(3)


@pytest.fixture(scope="module")
def machine(kvm_host: KvmHost) -> Iterator[StillMachine]:
    with Host.open(kvm_host.uri) as hypervisor:
        machine = StillMachine(kvm_host, hypervisor, "slowly-stored", {TARGET: SIZE})
        machine.start()
        machine.write(TARGET, CHANGED, DICE.randbytes(SIZE - CHANGED))
        yield machine
        machine.remove()


@pytest.fixture
def backups(machine: StillMachine, kvm_host: KvmHost, tmp_path: Path) -> VmBackups:
    """With one point of the machine."""
    backups = VmBackups(machine.hypervisor, machine.uuid, tmp_path, kvm_host.folder / "slowly")
    backups.back_up()
    return backups


def proved_point(machine: StillMachine, backups: VmBackups) -> VmReport:
    """The next point is the disk, told by its record, and nothing is left beside it."""
    base = backups.reader().snapshot.id
    report = backups.back_up()
    # QEMU's own comparison reads the image, not what QEMU has in mind.
    machine.flush(TARGET)
    assert_same_disk(machine.disks[TARGET].path, "qcow2", backups.image(TARGET, report))
    assert backups.leftovers() == []
    assert [(disk.rung, disk.why) for disk in report.facts.disks] == [(Rung.BITMAP, "tracked")]
    assert report.facts.parent == base
    return report


def in_scratch(backups: VmBackups) -> dict[str, int]:
    """How much each file of the folder takes of its file system."""
    folder = backups.job().place.folder
    return {each.name: each.stat().st_blocks * 512 for each in folder.iterdir()}


def test_who_is_killed_while_packs_wait_in_the_spool_leaves_nothing_of_them(
    machine: StillMachine, backups: VmBackups, faults: Faults
) -> None:
    machine.write(TARGET, 0, DICE.randbytes(CHANGED))
    faults.inject()

    assert was_killed(backups, Death(in_spool=True))

    assert current_backup(machine.domain) is None
    assert [each.id for each in backups.vault().snapshots()] == [backups.made[0].point.snapshot]
    left = in_scratch(backups)
    # QEMU's own, which are nearly empty, as the machine wrote nothing meanwhile.
    assert set(left) <= {f"{TARGET}.scratch", "holdfast.nbd"}
    assert sum(left.values()) < 4 * MIB
    report = proved_point(machine, backups)
    assert report.point.summary.data_added_packed <= CHANGED + MIB
    assert os.listdir(backups.scratch) == []
    faults.survive()


@dataclass(frozen=True, kw_only=True)
class FillingPlace(ScratchPlace):
    """Its file system is full from one moment on."""

    is_full: threading.Event = field(default_factory=threading.Event)

    @property
    def free(self) -> int:
        return 0 if self.is_full.is_set() else 1 << 40


class LateStorage(ForwardingStorage):
    """Before its first pack there is an alarm of who watches over the scratch, if anybody does."""

    def __init__(self, inner: Storage, backups: VmBackups, place: FillingPlace) -> None:
        super().__init__(inner)
        self._backups = backups
        self._place = place
        self.is_full = False

    def put(self, name: str, content: Content) -> None:
        if name.startswith("data/"):
            wait_until(lambda: current_backup(self._backups.domain) is None, within=PATIENCE)
            self._place.is_full.set()
            wait_until(lambda: "scratch-guard" not in names_of_threads(), within=PATIENCE)
            if self.is_full:
                raise StorageFull(place="here", reason="no space left")
        super().put(name, content)


def names_of_threads() -> set[str]:
    return {each.name for each in threading.enumerate()}


@pytest.mark.parametrize("is_full", [False, True], ids=["takes all", "is full"])
def test_scratch_that_fills_when_all_is_read_is_no_matter_of_the_backup(
    machine: StillMachine, backups: VmBackups, faults: Faults, *, is_full: bool
) -> None:
    machine.write(TARGET, CHANGED, DICE.randbytes(MIB))
    place = FillingPlace(folder=backups.job().place.folder)
    storage = LateStorage(backups.storage, backups, place)
    storage.is_full = is_full
    vault = open_vault(storage, clock=CLOCK, who=identity())
    faults.inject()

    if is_full:
        # What is told is what went wrong.
        with pytest.raises(StorageFull):
            backups.back_up(repository=vault, place=place, reserve=1)
    else:
        backups.back_up(repository=vault, place=place, reserve=1)

    assert place.is_full.is_set()
    assert len(backups.vault().snapshots()) == (1 if is_full else 2)
    assert backups.leftovers() == []
    proved_point(machine, backups)
    faults.survive()
