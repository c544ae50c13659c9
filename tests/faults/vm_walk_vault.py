"""What happens to the points and vaults of a walk: backups, killed or not, restores, lost notes."""

import shutil

from holdfast.app.prune import prune
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.point_reader import PointReader
from holdfast.machines.replacing import ReplaceWish, replace_in_place
from holdfast.testing.killing import HastyClock
from holdfast.testing.still_machine import StillDisk
from holdfast.testing.vaults import open_vault
from holdfast.testing.vm_backups import CLOCK
from holdfast.testing.vm_killing import Death, was_killed
from holdfast.vault.policy.prune import PruneLimits
from tests.faults.survival import checked
from tests.faults.vm_walk_judging import Judging
from tests.faults.vm_walk_machine import MachineActs
from tests.faults.vm_walk_model import Line, Made, digests

STEPS = ("ready", "begun", "read", "stored")
_CLEAN = PruneLimits(max_unused=0, small_packs=3)


class VaultActs(MachineActs, Judging):
    __slots__ = ()

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
