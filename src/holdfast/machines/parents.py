"""The newest point of a machine: what the next one is relative to."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.base.errors import Exit, HoldfastError
from holdfast.machines.blocks import BlockIds
from holdfast.machines.point_reader import PointReader
from holdfast.machines.points import DiskFacts, VmPoint
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

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


def newest_point(repository: Repository, uuid: str, *, mark: str | None = None) -> Parent | None:
    """Points that cannot be read are passed over: an older one is as good to compare with.

    With a mark, of those that bear it as well.
    """
    marks = {f"{TAG}:{uuid}", *([mark] if mark else [])}
    ours = [each for each in repository.snapshots() if marks <= {*each.tags}]
    for snapshot in newest_first(ours):
        reader = PointReader(repository, snapshot)
        try:
            # Its folders too, so that damage shows here and not in the middle.
            assert reader.disks is not None
            return Parent(reader=reader, facts=reader.facts)
        except HoldfastError as err:
            if err.exit_status not in (Exit.DAMAGE, Exit.USAGE):
                raise
    return None


def newest_first(points: Iterable[Snapshot]) -> list[Snapshot]:
    """By time, but each behind those that were made after it: clocks are set back."""
    by_time = sorted(points, key=lambda each: (each.taken_at, each.id), reverse=True)
    made_after: defaultdict[str, list[Snapshot]] = defaultdict(list)
    for point in by_time:
        made_after[point.stored.parent].append(point)
    ordered: dict[str, Snapshot] = {}
    for point in by_time:
        line = [point]
        while line:
            later = [each for each in made_after[line[-1].id] if each.id not in ordered]
            if later:
                line.append(later[0])
            else:
                done = line.pop()
                ordered.setdefault(done.id, done)
    return list(ordered.values())
