"""Change the tags of a recovery point: a new snapshot file takes the place of the old one.

As restic does, the first id a point ever had stays with it as `original`. Fields we do not know
are kept: newer clients put them there.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from holdfast.base.ids import FileId, SnapshotId
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.layout import SNAPSHOTS
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class TagChange:
    """Tags to set, or to add and to remove; `replace` None leaves what is there."""

    replace: tuple[str, ...] | None = None
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def applied_to(self, tags: Iterable[str]) -> list[str]:
        """The tags afterwards, each once, the old ones first."""
        start = tags if self.replace is None else self.replace
        wanted = dict.fromkeys([*start, *self.add])
        return [tag for tag in wanted if tag and tag not in self.remove]


def change_tags(
    repository: Repository, point: Snapshot, change: TagChange, *, among: Iterable[Snapshot]
) -> SnapshotId | None:
    """The point's new id, or None where its tags are such already.

    The caller holds an exclusive lock. `among` are all points: a run that was killed between its
    two steps left the new file beside the old one, and is completed instead of repeated.
    """
    tags = change.applied_to(point.stored.tags)
    if tags == point.stored.tags:
        return None
    original = point.stored.original or point.id
    fresh = _twin(point, tags, original, among) or _save(repository, point.id, tags, original)
    repository.delete_snapshot(point.id)
    return fresh


def _twin(
    point: Snapshot, tags: list[str], original: str, among: Iterable[Snapshot]
) -> SnapshotId | None:
    wanted = msgspec.structs.replace(point.stored, tags=tags, original=original)
    twins = (other.id for other in among if other.id != point.id and other.stored == wanted)
    return next(twins, None)


def _save(repository: Repository, point: SnapshotId, tags: list[str], original: str) -> SnapshotId:
    content = repository.files.load(SNAPSHOTS, point)
    try:
        fields = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as err:
        raise FileUnreadable(name=f"{SNAPSHOTS}/{point}", reason=err) from err
    fields["original"] = msgspec.Raw(msgspec.json.encode(original))
    fields["tags"] = msgspec.Raw(msgspec.json.encode(tags))
    if not tags:
        del fields["tags"]
    name: FileId = repository.files.save(SNAPSHOTS, msgspec.json.encode(fields))
    return SnapshotId(name)
