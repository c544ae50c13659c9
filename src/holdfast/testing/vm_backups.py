"""Backups of the bench's guests into a vault of the tests' own, and what stands in their points.

As a program it makes one backup and can be killed at a step of it:
python -m holdfast.testing.vm_backups URI UUID ROOT SCRATCH STEP [TAG]
"""

import os
import signal
import subprocess  # noqa: TID251  images are compared by QEMU's own program
import sys
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_writing import WritingOptions, restore_raw
from holdfast.machines.parents import newest_first
from holdfast.machines.point_reader import PointReader
from holdfast.machines.point_writer import WriterOptions
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.stillness import AsItIs
from holdfast.machines.tracking import Tracking
from holdfast.machines.vm_backup import back_up_vm
from holdfast.machines.vm_job import VmJob, VmReport
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.guests import Guest
from holdfast.testing.vaults import identity, open_vault, small_vault
from holdfast.vault.repository import Repository

CLOCK = SystemClock()


@dataclass(slots=True)
class VmBackups:
    """A vault below `root` for the machine of this UUID."""

    host: Host
    uuid: str
    root: Path
    scratch: Path
    # Where the notes about the machine lie, if it is backed up to several vaults; None: `root`.
    home: Path | None = None
    tracking: Tracking = Tracking.AUTO
    made: list[VmReport] = field(default_factory=list)

    @property
    def storage(self) -> DirectoryStorage:
        return DirectoryStorage(str(self.root / "vault"))

    @property
    def domain(self) -> Domain:
        return find_domain(self.host, self.uuid)

    def vault(self) -> Repository:
        if not (self.root / "vault").exists():
            (self.root / "vault").mkdir(parents=True)
            return small_vault(self.storage, clock=CLOCK)
        return open_vault(self.storage, clock=CLOCK, who=replace(identity(), pid=os.getpid()))

    def job(self, **changes: Any) -> VmJob:
        told: dict[str, Any] = {
            "repository": self.vault(),
            "domain": self.domain,
            "place": ScratchPlace.of(str(self.scratch), self.uuid),
            "home": str(self.home or self.root),
            "writer": WriterOptions(host="north", workers=2),
            "stillness": lambda _domain: AsItIs(),
            "reserve": 0,
            "tracking": self.tracking,
        }
        return VmJob(**(told | changes))

    def back_up(self, **changes: Any) -> VmReport:
        report = back_up_vm(self.job(**changes))
        self.made.append(report)
        return report

    def still_point(self, guest: Guest, **changes: Any) -> VmReport:
        """A point of a guest while it stands still, proved to be its disks."""
        guest.suspend()
        try:
            report = self.back_up(**changes)
            self.assert_same(guest, report=report)
        finally:
            guest.resume()
        return report

    def reader(self, report: VmReport | None = None) -> PointReader:
        """Of a point, by default of the newest."""
        vault = self.vault()
        if report is not None:
            return PointReader(vault, vault.load_snapshot(report.point.snapshot))
        return PointReader(vault, newest_first(vault.snapshots())[0])

    def image(self, target: str, report: VmReport | None = None) -> Path:
        """A disk of a point as a raw file."""
        path = self.root / f"{target}.raw"
        path.unlink(missing_ok=True)
        reader = DiskReader(self.reader(report), target)
        restore_raw(reader, str(path), WritingOptions(clock=CLOCK, workers=2))
        return path

    def assert_same(self, guest: Guest, *, report: VmReport | None = None) -> None:
        """The point is the guest's disks, which must stand still."""
        for target in guest.targets:
            assert_same_disk(guest.disk(target), guest.recipe.format, self.image(target, report))

    def leftovers(self, *, needed: AbstractSet[str] = frozenset()) -> list[str]:
        """Jobs, scratch files and checkpoints that no point of the vault's needs, nor others."""
        found = list(os.listdir(self.scratch)) if self.scratch.exists() else []
        domain = self.domain
        if current_backup(domain) is not None:
            found.append("job")
        named = {self.reader().facts.checkpoint} if self.vault().snapshots() else set()
        names = [each.name for each in list_checkpoints(domain)]
        return found + [name for name in names if name not in named | needed]


def assert_same_disk(source: Path, format_: str, restored: Path) -> None:
    """QEMU's own comparison; the source may be open, if its guest does nothing."""
    words = ["qemu-img", "compare", "-U", "-f", format_, "-F", "raw", str(source), str(restored)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  our own words
    assert done.returncode == 0, done.stdout + done.stderr


def killed_at(step: str, backups: VmBackups, *tags: str) -> None:
    """A backup in a process of its own, which is killed at that step."""
    words = [backups.host.uri, backups.uuid, backups.root, backups.scratch, step, *tags]
    done = subprocess.run(  # noqa: S603  our own words
        [sys.executable, "-m", "holdfast.testing.vm_backups", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def _killer(step: str) -> Callable[[str], None]:
    def on_step(now: str) -> None:
        if now == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def main() -> None:
    uri, uuid, root, scratch, step, *tags = sys.argv[1:]
    writer = WriterOptions(host="north", workers=2, tags=tuple(tags))
    with Host.open(uri) as host:
        backups = VmBackups(host, uuid, Path(root), Path(scratch))
        backups.back_up(on_step=_killer(step), writer=writer)


if __name__ == "__main__":
    main()
