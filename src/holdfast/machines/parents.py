"""The newest point of a machine: what the next one is relative to."""

from dataclasses import dataclass

from holdfast.base.errors import Exit, HoldfastError
from holdfast.machines.blocks import BlockIds
from holdfast.machines.point_reader import PointReader
from holdfast.machines.points import DiskFacts, VmPoint
from holdfast.vault.repository import Repository

TAG = "vm"


def tags_of(uuid: str) -> tuple[str, ...]:
    """What the points of a machine are marked with."""
    return (TAG, f"{TAG}:{uuid}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    reader: PointReader
    facts: VmPoint

    def disk(self, target: str) -> DiskFacts | None:
        """The facts of a disk whose content is there too."""
        return self.facts.disk(target) if target in self.reader.disks else None

    def blocks(self, target: str) -> BlockIds | None:
        """None where what the point has of it is damaged."""
        try:
            return self.reader.disk(target).blocks
        except HoldfastError as err:
            if err.exit_status != Exit.DAMAGE:
                raise
            return None

    def file(self, name: str) -> bytes | None:
        return self.reader.read_file(name) if name in self.reader.files else None


def newest_point(repository: Repository, uuid: str) -> Parent | None:
    """Points that cannot be read are passed over: an older one is as good to compare with."""
    mark = f"{TAG}:{uuid}"
    ours = [each for each in repository.snapshots() if mark in each.tags]
    for snapshot in sorted(ours, key=lambda each: (each.taken_at, each.id), reverse=True):
        reader = PointReader(repository, snapshot)
        try:
            # Its folders too, so that damage shows here and not in the middle.
            assert reader.disks is not None
            return Parent(reader=reader, facts=reader.facts)
        except HoldfastError as err:
            if err.exit_status not in (Exit.DAMAGE, Exit.USAGE):
                raise
    return None
