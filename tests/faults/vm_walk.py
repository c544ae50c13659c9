"""A random walk of a machine and its backups, and what has to be true after each of its steps.

The walk keeps a model: what each disk holds now, and what it held at the instant of each point.
The machine is backed up to two vaults in turn, which must not spoil each other's records.
"""

import hashlib
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.app.prune import prune
from holdfast.base.ids import SnapshotId
from holdfast.disks import images
from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.domain_disks import grow_disk
from holdfast.hypervisor.errors import TrackingLost
from holdfast.hypervisor.states import State
from holdfast.machines.blocks import BLOCK
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.point_reader import PointReader
from holdfast.machines.points import Rung
from holdfast.machines.replacing import ReplaceWish, replace_in_place
from holdfast.machines.tracking import Why
from holdfast.machines.vm_job import VmReport
from holdfast.testing.killing import HastyClock
from holdfast.testing.still_machine import StillDisk, StillMachine
from holdfast.testing.vaults import open_vault
from holdfast.testing.vm_backups import CLOCK, VmBackups
from holdfast.testing.vm_killing import Death, was_killed
from holdfast.vault.policy.prune import PruneLimits
from tests.faults.conftest import Faults
from tests.faults.survival import checked

KIB, MIB = 1 << 10, 1 << 20
CLUSTER = 64 * KIB
# So small that the audit of a record of changes looks at each block of it: no lie is missed.
SMALL = "sda"
SIZES = {"vda": (9 * MIB, 16 * MIB), SMALL: (4 * MIB, 8 * MIB)}
PLUGGABLE = "sdb"
PLUGGABLE_SIZE = 3 * MIB
STEPS = ("ready", "begun", "read", "stored")
# Trees, the facts, the description of the machine: what a point takes beside its blocks.
METADATA = 256 * KIB
_LARGEST_WRITE = 192 * KIB
_CLEAN = PruneLimits(max_unused=0, small_packs=3)

Contents = dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A point: for each disk, the digests of its blocks, which are their names in the vault."""

    snapshot: SnapshotId
    disks: dict[str, bytes]


@dataclass(slots=True)
class Line:
    """The points of the machine in one vault."""

    backups: VmBackups
    points: list[Made] = field(default_factory=list)
    # Disks whose record of changes is sound, so that it must be used.
    tracked: set[str] = field(default_factory=set)
    # Disks whose record of changes may lie since the last point.
    doubtful: set[str] = field(default_factory=set)
    # Whether backups to the other vault know of the record, and keep it.
    is_noted: bool = False

    def newest(self) -> dict[str, bytes]:
        return self.points[-1].disks if self.points else {}


@dataclass(slots=True)
class Walk:
    machine: StillMachine
    lines: list[Line]
    dice: random.Random
    faults: Faults
    # Copies of images, as a storage keeps them, and what they hold.
    copies: dict[str, tuple[Path, bytes]] = field(default_factory=dict)
    rungs: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    # How a disk is read whose record of changes is sound.
    record: Rung = Rung.BITMAP

    def go(self, steps: int) -> None:
        for line in self.lines:
            self._back_up(line)
        for number in range(steps):
            step = self._choose()
            self.told.append(f"{number} {step.__name__}")
            if step.__name__ in _FAULTS:
                self.faults.inject()
            step()
        if not self.machine.is_on():
            self.machine.start()
        for line in self.lines:
            self._back_up(line)

    def _choose(self) -> Callable[[], None]:
        on = self.machine.is_on()
        steps = {**_ALWAYS, **(_WHEN_ON if on else _WHEN_OFF)}
        name = self.dice.choices(list(steps), weights=list(steps.values()))[0]
        step: Callable[[], None] = getattr(self, name)
        return step

    def _tell(self, *words: object) -> None:
        self.told[-1:] = [" ".join(map(str, (*self.told[-1:], *words)))]

    # What a guest does.

    def _place(self, longest: int = _LARGEST_WRITE) -> tuple[StillDisk, int, int]:
        disk = self.dice.choice(list(self.machine.disks.values()))
        length = 512 * self.dice.randint(1, longest // 512)
        at = 512 * self.dice.randint(0, (disk.size - length) // 512)
        self._tell(disk.target, at, length)
        return disk, at, length

    def _clusters(self) -> tuple[StillDisk, int, int]:
        disk = self.dice.choice(list(self.machine.disks.values()))
        length = CLUSTER * self.dice.randint(1, 24)
        at = CLUSTER * self.dice.randint(0, (disk.size - length) // CLUSTER)
        self._tell(disk.target, at, length)
        return disk, at, length

    def write(self) -> None:
        disk, at, length = self._place()
        self.machine.write(disk.target, at, self.dice.randbytes(length))
        if self.dice.random() < 0.5:
            self.machine.flush(disk.target)

    def write_same(self) -> None:
        disk, at, length = self._place()
        self.machine.write(disk.target, at, bytes(disk.content[at : at + length]))

    def zero(self) -> None:
        disk, at, length = self._place(2 * MIB)
        self.machine.zero(disk.target, at, length)

    def discard(self) -> None:
        disk, at, length = self._clusters()
        self.machine.discard(disk.target, at, length)

    # What the lines know of it.

    def _line(self) -> Line:
        """Mostly the first."""
        line = self.dice.choices(self.lines, weights=[3, *[1] * len(self.lines[1:])])[0]
        self._tell(f"vault {self.lines.index(line)}")
        return line

    def _lose_records(self, *doubtful: str) -> None:
        for line in self.lines:
            line.tracked.clear()
            line.doubtful.update(doubtful)

    def _begun(self, line: Line) -> None:
        """A backup removes the records of a running machine that it knows of no use for."""
        for other in self.lines:
            if other is not line and not other.is_noted:
                other.tracked.clear()

    # Backups.

    def back_up(self) -> None:
        self._back_up(self._line())

    def _back_up(self, line: Line) -> None:
        """While it is running, the guest goes on writing."""
        before = self.contents()

        def on_step(step: str) -> None:
            nonlocal before
            if step in STEPS and self.dice.random() < 0.4:
                self.told.append(f"  {step}:")
                self.dice.choice((self.write, self.zero, self.discard))()
                if step == "ready":
                    before = self.contents()

        self._begun(line)
        report = line.backups.back_up(on_step=on_step)
        parent = line.newest()
        made = self._learn(line, before)
        assert made.snapshot == report.point.snapshot
        self._judge(line, report, parent)
        while self.faults.survived < self.faults.injected:
            self.faults.survive()
        line.doubtful.clear()
        line.is_noted = True
        if self.machine.is_on():
            line.tracked = set(before)
        else:
            line.tracked = {disk.target for disk in report.facts.disks if disk.rung is self.record}
        self._assert_tidy()

    def back_up_killed(self) -> None:
        line = self._line()
        step = self.dice.choice(STEPS) if self.dice.random() < 0.5 else ""
        death = Death(step=step, call=0 if step else self.dice.randint(1, 40))
        before = self.contents()
        self._begun(line)
        self._tell(death, was_killed(line.backups, death))
        known = {point.snapshot for point in line.points}
        if {each.id for each in line.backups.vault().snapshots()} - known:
            self._learn(line, before)
            # It may have been killed before it could note what the point needs.
            line.is_noted = False
            if self.machine.is_on():
                line.tracked = set(before)
                line.doubtful.clear()
            else:
                line.tracked.clear()

    def _learn(self, line: Line, contents: Contents) -> Made:
        """The point that is new, compared with what the disks held at its instant."""
        reader = line.backups.reader()
        assert set(reader.disks) == set(contents)
        for target, content in contents.items():
            differs = blocks_that_differ(DiskReader(reader, target), content)
            assert not differs, f"{target} differs from its source in blocks {differs}"
        made = Made(
            snapshot=reader.snapshot.id,
            disks={target: digests(content) for target, content in contents.items()},
        )
        line.points.append(made)
        return made

    def _judge(self, line: Line, report: VmReport, parent: dict[str, bytes]) -> None:
        changed = 0
        for disk in report.facts.disks:
            self.rungs[disk.why] = self.rungs.get(disk.why, 0) + 1
            self._tell(disk.target, disk.why)
            if disk.target in line.tracked:
                assert disk.rung is self.record, f"{disk.target}: {disk.why}"
            if disk.why == Why.MAP_WRONG:
                assert disk.target in line.doubtful, f"{disk.target} has a record that lies"
            now = line.newest()[disk.target]
            changed += len(new_blocks(now, parent.get(disk.target, b""))) * BLOCK
        stored = report.point.summary.data_added_packed
        assert stored <= 2 * changed + METADATA, f"{stored} stored, {changed} changed"

    def _assert_tidy(self) -> None:
        scratch = self.lines[0].backups.scratch
        assert not scratch.exists() or not os.listdir(scratch)
        if self.machine.is_on():
            assert self.machine.domain.standing().state is State.RUNNING
            # Of a machine that is off, checkpoints are removed when it is on again.
            first = self.lines[0].backups
            assert first.leftovers(needed=self._needed()) == []

    def _needed(self) -> set[str]:
        """Checkpoints that a newest point names, or that were noted as named by one."""
        home = str(self.lines[0].backups.root)
        notes = CheckpointNotes(home, self.machine.uuid, CLOCK)
        named = {line.backups.reader().facts.checkpoint for line in self.lines if line.points}
        return named | notes.of_others("")

    # Its power.

    def start(self) -> None:
        self.machine.start()

    def stop(self) -> None:
        self.machine.stop()

    def cut_power(self) -> None:
        self.machine.cut_power()
        self._lose_records()

    def kill_libvirtd(self) -> None:
        self.machine.restart_libvirtd()

    # Its images, while it is off.

    def remove_bitmap(self) -> None:
        disk, name = self._some_bitmap(list(self.machine.disks))
        if name:
            images.remove_bitmap(disk.path, name)
            self._lose_records()

    def clear_bitmap(self) -> None:
        """Elsewhere a lie may be overlooked for some time."""
        disk, name = self._some_bitmap([SMALL])
        if name:
            images.remove_bitmap(disk.path, name)
            images.add_bitmap(disk.path, name)
            self._lose_records(disk.target)

    def add_foreign_bitmap(self) -> None:
        disk = self.dice.choice(self.machine.plugged)
        name = f"foreign-{len(self.told)}"
        self._tell(disk.target, name)
        images.add_bitmap(disk.path, name)
        self.dice.choice((self.remove_bitmap, lambda: None))()

    def _some_bitmap(self, targets: list[str]) -> tuple[StillDisk, str]:
        """One that can be changed; no name where there is none."""
        disk = self.machine.disks[self.dice.choice(targets)]
        found = [each.name for each in images.inspect(disk.path, format_="qcow2").bitmaps]
        name = self.dice.choice(sorted(found)) if found else ""
        self._tell(disk.target, name)
        return disk, name

    def grow(self) -> None:
        disk, (_, most) = self._sized()
        self._resize(disk, self.dice.randrange(disk.size, most + 1, CLUSTER))

    def shrink(self) -> None:
        disk, (least, _) = self._sized()
        self._resize(disk, self.dice.randrange(least, disk.size + 1, CLUSTER))

    def shrink_and_grow(self) -> None:
        self.shrink()
        self.grow()

    def _sized(self) -> tuple[StillDisk, tuple[int, int]]:
        target = self.dice.choice(sorted(SIZES))
        return self.machine.disks[target], SIZES[target]

    def _resize(self, disk: StillDisk, size: int) -> None:
        bitmaps = images.inspect(disk.path, format_="qcow2").bitmaps
        # QEMU refuses where a record was not closed.
        if any(each.is_in_use for each in bitmaps):
            return
        self._tell(disk.target, disk.size, size)
        if size < disk.size:
            self._lose_records(disk.target)
        self.machine.resize(disk.target, size)

    def copy_image(self) -> None:
        disk = self.dice.choice(list(self.machine.disks.values()))
        self._tell(disk.target)
        copy = disk.path.with_suffix(".copy")
        shutil.copyfile(disk.path, copy)
        self.copies[disk.target] = copy, bytes(disk.content)

    def roll_back(self) -> None:
        if not self.copies:
            return
        target = self.dice.choice(sorted(self.copies))
        self._tell(target)
        disk = self.machine.disks[target]
        copy, content = self.copies[target]
        shutil.copyfile(copy, disk.path)
        disk.content[:] = content
        self._lose_records(target)

    def restore_in_place(self) -> None:
        """Some or all disks of any point."""
        line = self._line()
        made = self.dice.choice(line.points)
        there = sorted(made.disks.keys() & {disk.target for disk in self.machine.plugged})
        chosen = self.dice.sample(there, self.dice.randint(1, len(there)))
        self._tell(made.snapshot[:8], *chosen)
        vault = line.backups.vault()
        point = PointReader(vault, vault.load_snapshot(made.snapshot))
        home = str(self.lines[0].backups.root)
        wish = ReplaceWish(clock=CLOCK, home=home, disks=tuple(chosen))
        replace_in_place(point, self.machine.domain, wish)
        for target in chosen:
            self._put_back(self.machine.disks[target], DiskReader(point, target), made)

    def _put_back(self, disk: StillDisk, reader: DiskReader, made: Made) -> None:
        content = bytes(reader.read(0, reader.size))
        assert digests(content) == made.disks[disk.target]
        if len(content) != disk.size:
            self._lose_records(disk.target)
        disk.content[:] = content

    # Its disks, while it is on.

    def grow_online(self) -> None:
        if current_backup(self.machine.domain) is not None:
            # Left by a backup that was killed; libvirt would refuse.
            return
        disk, (_, most) = self._sized()
        size = self.dice.randrange(disk.size, most + 1, CLUSTER)
        self._tell(disk.target, disk.size, size)
        if disk.is_plugged and size > disk.size:
            try:
                grow_disk(self.machine.domain, disk.target, size=size)
            except TrackingLost:
                # A record that a power cut left open is in the way until the next backup.
                self._tell("refused")
                assert not any(disk.target in line.tracked for line in self.lines)
                return
            disk.content.extend(bytes(size - disk.size))

    def plug_or_unplug(self) -> None:
        disk = self.machine.disks[PLUGGABLE]
        if disk.is_plugged and current_backup(self.machine.domain) is not None:
            # Left by a backup that was killed; libvirt would refuse.
            return
        self._tell("out" if disk.is_plugged else "in")
        (self.machine.unplug if disk.is_plugged else self.machine.plug)(PLUGGABLE)
        for line in self.lines:
            line.tracked.discard(PLUGGABLE)

    # The vaults, and what lies on the host.

    def delete_newest(self) -> None:
        line = self._line()
        if len(line.points) > 1:
            line.backups.vault().delete_snapshot(line.points.pop().snapshot)
            line.tracked.clear()

    def retain_and_prune(self) -> None:
        """The newest point stays, as with every rule of retention."""
        line = self._line()
        vault = open_vault(line.backups.storage, clock=HastyClock())
        let_go = {made.snapshot for made in line.points[:-1] if self.dice.random() < 0.5}
        for snapshot in let_go:
            vault.delete_snapshot(snapshot)
        line.points = [made for made in line.points if made.snapshot not in let_go]
        done = prune(vault, limits=_CLEAN)
        self._tell(len(let_go), "points,", done.deleted, "packs")

    def check_vault(self) -> None:
        assert checked(self._line().backups.storage).damage == ()

    def lose_notes(self) -> None:
        first = self.lines[0].backups
        shutil.rmtree(first.root / "vms", ignore_errors=True)
        shutil.rmtree(first.scratch, ignore_errors=True)
        for line in self.lines:
            line.is_noted = False

    # The end.

    def contents(self) -> Contents:
        return {disk.target: bytes(disk.content) for disk in self.machine.plugged}

    def assert_well(self) -> None:
        """Nothing is left behind, and every point still is what it was."""
        self._assert_tidy()
        assert current_backup(self.machine.domain) is None
        self.machine.stop()
        for disk in self.machine.disks.values():
            assert self.machine.read(disk.target) == disk.content
        for line in self.lines:
            assert_whole(line)


def assert_whole(line: Line) -> None:
    vault = line.backups.vault()
    assert {each.id for each in vault.snapshots()} == {each.snapshot for each in line.points}
    for made in line.points:
        reader = PointReader(vault, vault.load_snapshot(made.snapshot))
        now = {target: bytes(reader.disk(target).blocks.ids) for target in reader.disks}
        assert now == made.disks
    # The names are digests of what is stored; that it is, and is that, is proved here.
    assert checked(line.backups.storage).damage == ()


_ALWAYS = {
    "write": 10,
    "write_same": 3,
    "zero": 3,
    "discard": 3,
    "back_up": 7,
    "back_up_killed": 4,
    "delete_newest": 2,
    "retain_and_prune": 2,
    "check_vault": 1,
    "lose_notes": 1,
    "kill_libvirtd": 1,
}
_WHEN_ON = {"stop": 3, "cut_power": 2, "plug_or_unplug": 2, "grow_online": 2}
_WHEN_OFF = {
    "start": 6,
    "remove_bitmap": 1,
    "clear_bitmap": 1,
    "add_foreign_bitmap": 1,
    "grow": 1,
    "shrink": 1,
    "shrink_and_grow": 2,
    "copy_image": 2,
    "roll_back": 2,
    "restore_in_place": 2,
}


# The others are what a healthy machine and its owner do.
_FAULTS = frozenset(
    {
        "add_foreign_bitmap",
        "back_up_killed",
        "clear_bitmap",
        "cut_power",
        "delete_newest",
        "kill_libvirtd",
        "lose_notes",
        "remove_bitmap",
        "roll_back",
        "shrink_and_grow",
    }
)


def digests(content: bytes) -> bytes:
    blocks = (content[at : at + BLOCK] for at in range(0, len(content), BLOCK))
    return b"".join(hashlib.sha256(block).digest() for block in blocks)


def new_blocks(now: bytes, before: bytes) -> set[bytes]:
    """Digests of the blocks that were not on the disk before."""
    return {*_cut(now)} - {*_cut(before)}


def _cut(joined: bytes) -> list[bytes]:
    return [joined[at : at + 32] for at in range(0, len(joined), 32)]


def blocks_that_differ(reader: DiskReader, content: bytes) -> list[int]:
    assert reader.size == len(content)
    found = []
    for at in range(0, len(content), BLOCK):
        block = content[at : at + BLOCK]
        if reader.read(at, len(block)) != block:
            found.append(at // BLOCK)
    return found
