"""Sizes that people type on a page."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_
from holdfast.base.units import GIB, KIB, MIB, parse_size

_MOST = 1 << 62
_UNITS = ((1024 * GIB, "T"), (GIB, "G"), (MIB, "M"), (KIB, "K"))


class SizeNotUnderstood(HoldfastError):
    code = "size-not-understood"
    sentence = N_("'{text}' is no size")
    remedy = N_("Write it as in 500G, 1.5T or 10M; 0 is no limit.")
    exit_status = Exit.USAGE


def read_bytes(text: str) -> int:
    try:
        found = parse_size(text)
    except (ValueError, OverflowError) as err:
        raise SizeNotUnderstood(text=text[:40]) from err
    if not 0 <= found <= _MOST:
        raise SizeNotUnderstood(text=text[:40])
    return found


def written(size: int | None) -> str:
    """As it can be typed again."""
    if not size:
        return "0"
    return next((f"{size // unit}{mark}" for unit, mark in _UNITS if size % unit == 0), str(size))
