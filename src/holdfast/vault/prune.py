"""Free the space of blobs no recovery point needs.

Looking and copying go on beside backups, under a shared lock; only the last step wants to be
alone. After every single operation the repository is whole, so a killed prune is simply run again:

1. copy what is still needed out of wasteful packs; new index files name the copies
2. alone: look again, and let go of no pack that somebody came to need meanwhile
3. write index files without the packs that go, then delete the index files they replace
4. delete the packs

See docs/adr/0004-two-phase-prune.md.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, PackId, pack_id_from_hex
from holdfast.storage.errors import FileMissing, FileTooShort
from holdfast.storage.rest_errors import StillImmutable
from holdfast.vault.errors import (
    BlobBroken,
    BlobMissing,
    EnvelopeBroken,
    FileUnreadable,
    TreeBroken,
)
from holdfast.vault.forking import ahead
from holdfast.vault.index_file import IndexPack, parse_index
from holdfast.vault.index_writer import write_index, write_packs
from holdfast.vault.layout import INDEX, pack_path
from holdfast.vault.pack_header import Span
from holdfast.vault.policy.prune import PackChoice, PackFacts, PruneLimits, choose_packs
from holdfast.vault.prune_survey import Survey, take_survey
from holdfast.vault.repack import copy_blobs
from holdfast.vault.repository import Repository
from holdfast.vault.upkeep_errors import PruneRefused

# Index files below this size are merged when there are so many: each costs a request to open.
_SMALL_INDEX, _SMALL_INDEXES = 64 << 10, 32

_DAMAGE = (
    BlobBroken,
    BlobMissing,
    EnvelopeBroken,
    FileMissing,
    FileTooShort,
    FileUnreadable,
    TreeBroken,
)


class Stage(Enum):
    """What a prune is busy with; the total is 0 where nobody knows it before."""

    WALK = "walk"
    COPY = "copy"
    DELETE = "delete"


# Stage, done, total: trees, bytes and packs respectively.
Report = Callable[[Stage, int, int], None]


def _silent(_: Stage, _done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    """What a prune would do, in packs and bytes."""

    points: int
    packs_kept: int
    packs_deleted: int
    packs_repacked: int
    # Stored, but named by no index: left by writers that died, or of a backup at work right now.
    packs_unnamed: int
    bytes_before: int
    bytes_needed: int
    bytes_copied: int
    bytes_freed: int
    bytes_unused_after: int
    index_files_merged: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        packs = self.packs_deleted + self.packs_repacked + self.packs_unnamed
        return not packs and not self.index_files_merged


class Prune:
    """One run; the caller holds a shared lock from `plan` on, and an exclusive one in `finish`."""

    def __init__(
        self, repository: Repository, *, limits: PruneLimits | None = None, report: Report = _silent
    ) -> None:
        self._repository = repository
        self._files = repository.files
        self._limits = limits or PruneLimits()
        self._report = report
        self._trees = 0
        self._survey: Survey | None = None
        self._choice = PackChoice()
        # Packs that are no longer needed and that an immutable storage kept.
        self.too_young = 0

    def plan(self) -> PrunePlan:
        """Look at everything and decide; PruneRefused where the repository is damaged."""
        survey = self._look(None)
        facts = survey.facts()
        self._choice = choose_packs(facts, self._limits)
        return _summary(survey, facts, self._choice, merged=len(self._small_index_files()))

    def copy(self, check: Callable[[], None]) -> None:
        """Write what is needed from the packs to be repacked into new ones.

        `check` raises when our lock is lost; so it does below.
        """
        wanted = list(self._blobs_to_copy())
        total = sum(span.length for _, span in wanted)
        done = 0

        def on_bytes(size: int) -> None:
            nonlocal done
            done += size
            check()
            self._report(Stage.COPY, done, total)

        try:
            packs = copy_blobs(self._files, wanted, on_bytes=on_bytes)
        except _DAMAGE as err:
            raise self._refused(err) from err
        check()
        write_index(self._files, packs)

    def finish(self, check: Callable[[], None]) -> int:
        """Alone: drop the packs from the index, then delete them; the number deleted.

        What the storage keeps because it is too young stays for a later prune; see `too_young`.
        """
        survey = self._look(self._survey)
        numbers = {*self._choice.delete, *self._choice.repack}
        # A point that came meanwhile may need what nobody needed before.
        numbers -= survey.needed(numbers)
        numbers |= _vanished(survey)
        doomed = {survey.groups.packs[number] for number in numbers}
        still_named = self._switch_index(survey, doomed, check)
        going = [pack for pack in survey.stored if _may_go(survey, doomed, pack)]
        # A pack outlives every index file that names it.
        return self._delete([pack for pack in going if pack not in still_named], check)

    def _look(self, earlier: Survey | None) -> Survey:
        try:
            self._survey = take_survey(
                self._repository, earlier=earlier, on_trees=self._report_trees
            )
        except _DAMAGE as err:
            raise self._refused(err) from err
        return self._survey

    def _report_trees(self, count: int) -> None:
        self._trees += count
        self._report(Stage.WALK, self._trees, 0)

    def _blobs_to_copy(self) -> Iterator[tuple[PackId, Span]]:
        import numpy as np

        assert self._survey is not None
        groups = self._survey.groups
        is_source = np.zeros(len(groups.packs), bool)
        is_source[self._choice.repack] = True
        return groups.placed(np.flatnonzero(self._survey.chosen & is_source[groups.pack]))

    def _switch_index(
        self, survey: Survey, doomed: set[PackId], check: Callable[[], None]
    ) -> set[PackId]:
        """New index files first, then away with those they replace; packs of those that stay."""
        index = survey.index.packs_of_file
        stale = {name for name, packs in index.items() if not doomed.isdisjoint(packs)}
        stale |= self._small_index_files()
        named = {pack for name in index.keys() - stale for pack in index[name]}
        # Adding is no harm, whoever is at work here; from then on we must be alone.
        write_packs(self._files, self._still_named(stale, doomed | named))
        check()
        still_named = set[PackId]()
        for name, gone in ahead(stale, self._delete_index, parallel=self._files.storage.parallel):
            if not gone.result():
                still_named.update(index.get(name, ()))
        self.too_young += len(still_named & doomed)
        self._repository.forget_index()
        return still_named

    def _delete_index(self, name: FileId) -> bool:
        return _gone(lambda: self._files.delete(INDEX, name))

    def _still_named(self, stale: Iterable[FileId], dropped: set[PackId]) -> Iterator[IndexPack]:
        """The packs of these index files, each once, without those dropped."""
        seen = set(dropped)
        for name in sorted(stale):
            for found in parse_index(f"{INDEX}/{name}", self._files.load(INDEX, name)).packs or ():
                pack = pack_id_from_hex(found.id)
                if pack not in seen:
                    seen.add(pack)
                    yield found

    def _small_index_files(self) -> set[FileId]:
        """Index files to merge: none while there are few."""
        small = {
            FileId(entry.name.rpartition("/")[2])
            for entry in self._repository.storage.list(INDEX)
            if entry.size < _SMALL_INDEX
        }
        known = self._survey.index.packs_of_file if self._survey else {}
        small &= known.keys()
        return small if len(small) >= _SMALL_INDEXES else set()

    def _delete(self, packs: list[PackId], check: Callable[[], None]) -> int:
        storage = self._repository.storage

        def delete(pack: PackId) -> bool:
            check()
            return _gone(lambda: storage.delete(pack_path(pack)))

        deleted = 0
        for count, (_, gone) in enumerate(ahead(packs, delete, parallel=storage.parallel), start=1):
            deleted += gone.result()
            self._report(Stage.DELETE, count, len(packs))
        self.too_young += len(packs) - deleted
        return deleted

    def _refused(self, err: HoldfastError) -> PruneRefused:
        return PruneRefused(place=self._repository.storage.place, reason=err)


def _gone(delete: Callable[[], None]) -> bool:
    """Whether the storage let the file go; an immutable one keeps what is too young."""
    try:
        delete()
    except StillImmutable:
        return False
    return True


def _may_go(survey: Survey, doomed: set[PackId], pack: PackId) -> bool:
    return pack in doomed or pack not in survey.index.numbers


def _vanished(survey: Survey) -> set[int]:
    """Packs that an index names but nobody stored and nobody needs."""
    return {number for number, pack in enumerate(survey.groups.packs) if pack not in survey.stored}


def _summary(
    survey: Survey, facts: list[PackFacts], choice: PackChoice, *, merged: int
) -> PrunePlan:
    gone, copied = set(choice.delete), set(choice.repack)
    orphans = survey.orphans()
    kept_unused = sum(f.unused for f in facts if f.number not in gone | copied)
    moved = [fact for fact in facts if fact.number in copied]
    packs = survey.groups.packs
    deleted = sum(survey.stored.get(packs[number], 0) for number in gone)
    return PrunePlan(
        points=len(survey.snapshots),
        packs_kept=len(choice.keep),
        packs_deleted=len(choice.delete),
        packs_repacked=len(choice.repack),
        packs_unnamed=len(orphans),
        bytes_before=sum(survey.stored.values()),
        bytes_needed=sum(fact.used for fact in facts),
        bytes_copied=sum(fact.used for fact in moved),
        bytes_freed=deleted
        + sum(fact.size - fact.used for fact in moved)
        + sum(survey.stored[pack] for pack in orphans),
        bytes_unused_after=kept_unused,
        index_files_merged=merged,
    )
