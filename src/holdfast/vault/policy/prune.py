"""Which packs to keep, to delete and to write anew. Numbers in, a plan out.

Copying costs time, so up to a share of unused bytes is tolerated; the packs that waste most go
first. Packs of trees are always cleaned: they are small, and every walk reads them whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneLimits:
    # Share of all bytes that may stay unused.
    max_unused: float = 0.05
    # A run that would copy more leaves the rest to the next one; None is no limit.
    max_repack: int | None = None
    # Packs below this size are merged when there are so many of a kind.
    small_pack: int = 4 * _MIB
    small_packs: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFacts:
    """One pack: bytes used are those of blobs that are needed and taken from here."""

    number: int
    size: int
    used: int
    unused: int
    is_mixed: bool = False
    has_trees: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PackChoice:
    """Numbers of packs by what becomes of them."""

    keep: list[int] = field(default_factory=list)
    delete: list[int] = field(default_factory=list)
    repack: list[int] = field(default_factory=list)


def choose_packs(packs: Iterable[PackFacts], limits: PruneLimits) -> PackChoice:
    choice = PackChoice()
    needed = []
    for pack in packs:
        if pack.used:
            needed.append(pack)
        else:
            choice.delete.append(pack.number)
    repack = {pack.number for pack in _worth_repacking(needed, limits)}
    for pack in needed:
        (choice.repack if pack.number in repack else choice.keep).append(pack.number)
    return choice


def _worth_repacking(needed: Sequence[PackFacts], limits: PruneLimits) -> list[PackFacts]:
    small = _small_to_merge(needed, limits)
    tolerated = _tolerated(needed, limits)
    wasted = sum(pack.unused for pack in needed)
    chosen: list[PackFacts] = []
    copied = 0
    for pack in sorted(needed, key=lambda pack: (not _must(pack), -_waste(pack), pack.number)):
        is_wanted = _must(pack) or pack.number in small or (pack.unused and wasted > tolerated)
        if not is_wanted or (
            limits.max_repack is not None and copied + pack.used > limits.max_repack
        ):
            continue
        chosen.append(pack)
        copied += pack.used
        wasted -= pack.unused
    return chosen


def _must(pack: PackFacts) -> bool:
    return pack.is_mixed or (pack.has_trees and pack.unused > 0)


def _waste(pack: PackFacts) -> float:
    return pack.unused / pack.used


def _tolerated(needed: Sequence[PackFacts], limits: PruneLimits) -> float:
    """The bytes that may stay unused, as a share of what is there afterwards."""
    if limits.max_unused >= 1:
        return float("inf")
    used = sum(pack.used for pack in needed)
    return used * limits.max_unused / (1 - limits.max_unused)


def _small_to_merge(needed: Sequence[PackFacts], limits: PruneLimits) -> set[int]:
    found: set[int] = set()
    for has_trees in (False, True):
        small = [
            pack.number
            for pack in needed
            if pack.size < limits.small_pack and pack.has_trees is has_trees
        ]
        if len(small) >= limits.small_packs:
            found.update(small)
    return found
