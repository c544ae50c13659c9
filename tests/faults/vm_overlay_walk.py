"""The random walk of a machine whose changes lie in overlays; one of its disks is raw.

Nothing but a smaller disk, a deleted point or lost notes costs a record: no power cut does.
"""

from collections.abc import Callable
from dataclasses import dataclass

from holdfast.disks.images import inspect, links
from holdfast.hypervisor.disk_layers import prepare_layers
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.layers import generation_of, merges
from holdfast.machines.overlay_errors import VmOverlayShrunk
from holdfast.machines.overlay_tidying import without_overlays
from holdfast.machines.points import Rung
from holdfast.testing.still_machine import StillDisk
from holdfast.testing.vm_backups import CLOCK
from tests.faults.vm_walk import Walk
from tests.faults.vm_walk_judging import assert_whole


@dataclass(slots=True)
class OverlayWalk(Walk):
    record: Rung = Rung.OVERLAY

    def _choose(self) -> Callable[[], None]:
        steps = {**_ALWAYS, **(_WHEN_ON if self.machine.is_on() else _WHEN_OFF)}
        name = self.dice.choices(list(steps), weights=list(steps.values()))[0]
        step: Callable[[], None] = getattr(self, name)
        return step

    def cut_power(self) -> None:
        self.machine.cut_power()

    def give_back(self) -> None:
        """As who takes the machine out of protection."""
        self._lose_records()
        try:
            without_overlays(self.machine.domain, CLOCK, home=str(self.lines[0].backups.root))
        except VmOverlayShrunk:
            assert self.machine.is_on()
        else:
            assert not any(self.machine.overlays().values())

    def put_foreign(self) -> None:
        """A snapshot that somebody else makes, as long as there are not many."""
        number = len(self.told)
        names = {disk.target: f"{disk.path}.foreign{number}" for disk in self.machine.plugged}
        if len(list(self.machine.folder.glob("*.foreign*"))) < 3 * len(names):
            prepare_layers(self.machine.domain, names).put()

    def _resize(self, disk: StillDisk, size: int) -> None:
        self._tell(disk.target, disk.size, size)
        path, format_ = self.machine.image(disk.target)
        if format_ == "qcow2" and any(one.is_in_use for one in inspect(path).bitmaps):
            return
        if size < disk.size:
            for line in self.lines:
                line.tracked.discard(disk.target)
        self.machine.resize(disk.target, size)

    def _needed(self) -> set[str]:
        home = str(self.lines[0].backups.root)
        notes = CheckpointNotes(home, self.machine.uuid, CLOCK)
        named = {line.backups.reader().facts.generation for line in self.lines if line.points}
        return named | notes.of_others("")

    def _assert_tidy(self) -> None:
        Walk._assert_tidy(self)
        if not self.machine.is_on():
            return
        for target, beside in self.machine.overlays().items():
            path, format_ = self.machine.image(target)
            chain = links(path, format_=format_, is_live=True)
            # One that was cut off stays until the machine is off; nothing else does.
            assert merges(chain, self._needed(), can_cut=False) == ()
            assert set(beside) == {generation_of(link.path) for link in chain} - {""}

    def assert_well(self) -> None:
        self._assert_tidy()
        self.machine.stop()
        self.give_back()
        for disk in self.machine.disks.values():
            assert self.machine.read(disk.target) == disk.content
        for line in self.lines:
            assert_whole(line)


_ALWAYS = {
    "write": 10,
    "write_same": 3,
    "zero": 3,
    "discard": 3,
    "back_up": 7,
    "back_up_killed": 5,
    "delete_newest": 2,
    "retain_and_prune": 1,
    "lose_notes": 1,
    "kill_libvirtd": 2,
    "give_back": 1,
}
_WHEN_ON = {"stop": 3, "cut_power": 4, "grow_online": 2, "put_foreign": 1}
_WHEN_OFF = {
    "start": 6,
    "grow": 1,
    "shrink": 1,
    "shrink_and_grow": 2,
    "restore_in_place": 2,
}
