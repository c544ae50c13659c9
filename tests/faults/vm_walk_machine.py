"""What happens to the machine of a walk: its guest writes, its owner changes it, its power fails."""

import shutil

from holdfast.disks import images
from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.domain_disks import grow_disk
from holdfast.hypervisor.errors import TrackingLost
from holdfast.testing.still_machine import StillDisk
from tests.faults.vm_walk_model import CLUSTER, KIB, MIB, PLUGGABLE, SIZES, SMALL, Model

_LARGEST_WRITE = 192 * KIB


class MachineActs(Model):
    __slots__ = ()

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
