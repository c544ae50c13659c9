"""Whose turn it is: so many backups of machines at once on a host, and so many on each datastore.

First come, first served; but who waits for a datastore keeps nobody from the others. Nobody is
overtaken for ever: whoever came later gets none of the datastores an earlier one waits for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLimits:
    """How many at once; each is at least one."""

    per_host: int
    per_store: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One machine that is backed up, or is to be. `number` is the order of arrival."""

    number: int
    name: str
    pid: int
    since: datetime
    # The datastores its disks lie in: what tells them apart, and what people call them.
    stores: Mapping[str, str] = field(default_factory=dict)
    is_taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InTheWay:
    """What a machine waits for: the host, or a datastore of this name; and who has it."""

    store: str | None
    holders: tuple[Turn, ...]


def may_begin(number: int, turns: Sequence[Turn], limits: TurnLimits) -> bool:
    """Whether this one may take its turn; those who may before it are counted as if they had."""
    return number in {each.number for each in _at_work(turns, limits)}


def in_the_way(mine: Turn, turns: Sequence[Turn], limits: TurnLimits) -> InTheWay:
    """Of those who work and those who come first. Something is, if `mine` may not begin."""
    taken = tuple(each for each in turns if each.is_taken)
    if len(taken) >= limits.per_host:
        return InTheWay(store=None, holders=taken)
    earlier = (each for each in turns if not each.is_taken and each.number < mine.number)
    ahead = [*taken, *earlier]
    for key, label in sorted(mine.stores.items()):
        holders = tuple(each for each in ahead if key in each.stores)
        if len(holders) >= limits.per_store:
            return InTheWay(store=label, holders=holders)
    others = (each for each in _at_work(turns, limits) if each.number != mine.number)
    return InTheWay(store=None, holders=tuple(others))


def _at_work(turns: Sequence[Turn], limits: TurnLimits) -> list[Turn]:
    """Those who have their turn, and those who may take it now."""
    chosen = [each for each in turns if each.is_taken]
    used = Counter(key for each in chosen for key in each.stores)
    waiting = (each for each in turns if not each.is_taken)
    for each in sorted(waiting, key=lambda turn: turn.number):
        has_room = all(used[key] < limits.per_store for key in each.stores)
        if has_room and len(chosen) < limits.per_host:
            chosen.append(each)
        # Also of one that must wait: what it waits for goes to nobody behind it.
        used.update(list(each.stores))
    return chosen
