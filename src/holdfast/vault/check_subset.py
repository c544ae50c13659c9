"""Which packs a check reads: all, a share, a numbered part, or so many bytes."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.ids import PackId
from holdfast.base.texts import N_
from holdfast.base.units import parse_size

_PART = re.compile(r"([0-9]{1,3})/([0-9]{1,3})")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)%")
# A part is told by a pack id's first byte, as restic does it.
_MOST_PARTS = 256
_NEVER = datetime.min.replace(tzinfo=UTC)


class SubsetNotUnderstood(HoldfastError):
    code = "subset-not-understood"
    sentence = N_("{text} does not say how much of the vault to read")
    remedy = N_("Write --read-data, --read-data=10%, --read-data=1/7 or --read-data=500G.")
    exit_status = Exit.USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset:
    """How much to read; exactly one is set, or none for everything."""

    percent: float | None = None
    part: tuple[int, int] | None = None
    size: int | None = None


def parse_subset(text: str) -> Subset:
    """Read "" or "100%" as all, "10%", "3/7" and sizes as "500G"."""
    text = text.strip()
    if text in ("", "all"):
        return Subset()
    try:
        return _parsed(text)
    except ValueError as err:
        raise SubsetNotUnderstood(text=text) from err


def _parsed(text: str) -> Subset:
    part, percent = _PART.fullmatch(text), _PERCENT.fullmatch(text)
    if part:
        number, parts = int(part[1]), int(part[2])
        if not 1 <= number <= parts <= _MOST_PARTS:
            raise ValueError(text)
        return Subset(part=(number, parts))
    if percent:
        share = float(percent[1])
        if not 0 < share <= 100:  # noqa: PLR2004  per cent
            raise ValueError(text)
        return Subset(percent=share)
    size = parse_size(text)
    if not size:
        raise ValueError(text)
    return Subset(size=size)


def choose_packs(
    sizes: Mapping[PackId, int], subset: Subset, *, verified: Mapping[PackId, datetime]
) -> list[PackId]:
    """The packs to read. A share or a size takes those whose last proof is oldest, or that had none.

    A share is at least as much as asked, so that a tenth every night has come round after ten; a
    size is at most as much, but always a pack.
    """
    if subset.part is not None:
        number, parts = subset.part
        return [pack for pack in sizes if pack[0] % parts == number - 1]
    if subset.percent is None and subset.size is None:
        return list(sizes)
    least = sum(sizes.values()) * (subset.percent or 0) / 100
    most = subset.size if subset.size is not None else math.inf
    chosen, total = list[PackId](), 0
    for pack in sorted(sizes, key=lambda pack: (verified.get(pack, _NEVER), pack)):
        if chosen and (total + sizes[pack] > most or total >= least > 0):
            break
        chosen.append(pack)
        total += sizes[pack]
    return chosen
