"""What has to be true of the points of a walk, and of what its backups leave behind."""

import os

from holdfast.hypervisor.backup_jobs import current_backup
from holdfast.hypervisor.states import State
from holdfast.machines.blocks import BLOCK
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.point_reader import PointReader
from holdfast.machines.tracking import Why
from holdfast.machines.vm_job import VmReport
from holdfast.testing.vm_backups import CLOCK
from tests.faults.survival import checked
from tests.faults.vm_walk_model import KIB, Contents, Line, Made, Model, blocks_that_differ, digests

# Trees, the facts, the description of the machine: what a point takes beside its blocks.
METADATA = 256 * KIB


class Judging(Model):
    __slots__ = ()

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


def new_blocks(now: bytes, before: bytes) -> set[bytes]:
    """Digests of the blocks that were not on the disk before."""
    return {*_cut(now)} - {*_cut(before)}


def _cut(joined: bytes) -> list[bytes]:
    return [joined[at : at + 32] for at in range(0, len(joined), 32)]
