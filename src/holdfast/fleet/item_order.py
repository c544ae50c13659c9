"""In which order what lies in a folder is shown, wherever it is sorted: by its machine or here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from holdfast.fleet.questions import FolderWanted, Item, Sort

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    by: Sort = "name"
    is_descending: bool = False

    @classmethod
    def of(cls, wanted: FolderWanted) -> "Order":
        return cls(by=wanted.sort, is_descending=wanted.descending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of one item; None is what it does not have, as a folder has no size."""

    is_folder: bool
    # As people read it, and as it is.
    name: str
    raw: bytes
    size: int | None
    changed: float | None


def ordered(found: Sequence[_T], facts_of: Callable[[_T], Facts], order: Order) -> list[_T]:
    """By name with folders first; by all else whatever has none of it last, and equals by name."""
    pairs = [(facts_of(one), one) for one in found]
    by_name = order.by == "name"
    pairs.sort(key=_name, reverse=by_name and order.is_descending)
    if by_name:
        pairs.sort(key=lambda pair: not pair[0].is_folder)
        return [one for _facts, one in pairs]
    known = [(value, one) for facts, one in pairs if (value := _value(facts, order)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=order.is_descending)
    return [
        *(one for _value_of, one in known),
        *(one for facts, one in pairs if _value(facts, order) is None),
    ]


def in_order(items: Sequence[Item], order: Order) -> list[Item]:
    """Those that a search found: each is called by its path."""
    return ordered(items, _facts, order)


def _facts(item: Item) -> Facts:
    return Facts(
        is_folder=item.kind == "dir",
        name=item.path,
        raw=item.path.encode("utf-8", "surrogateescape"),
        size=item.size if item.kind == "file" else None,
        changed=item.modified.timestamp() if item.modified else None,
    )


def _name(pair: tuple[Facts, object]) -> tuple[str, bytes]:
    return pair[0].name.casefold(), pair[0].raw


def _value(facts: Facts, order: Order) -> float | None:
    return facts.size if order.by == "size" else facts.changed
