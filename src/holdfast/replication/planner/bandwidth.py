"""Rates of links, as people write and read them: in bits, and by the thousand."""

import re

from holdfast.base.units import parse_size

_BITS = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:bit(?:/?s|ps)?|bps)", re.IGNORECASE)
_POWERS = " kmgt"
_STEP = 1000


def parse_bandwidth(text: str) -> float:
    """Bytes a second of "100mbit", "1.5 gbit/s"; without bits it is a size, as in "12M"."""
    found = _BITS.fullmatch(text.strip())
    if found is None:
        rate = float(parse_size(text.strip().removesuffix("/s")))
    else:
        rate = float(found[1]) * float(_STEP ** _POWERS.index(found[2].lower() or " ")) / 8
    if rate <= 0:
        raise ValueError(f"no rate: {text!r}")
    return rate


def format_bandwidth(rate: float) -> str:
    """Of bytes a second, as in "94.1 Mbit/s"."""
    bits = rate * 8
    for unit in ("bit/s", "kbit/s", "Mbit/s", "Gbit/s"):
        if bits < _STEP or unit == "Gbit/s":
            break
        bits /= _STEP
    digits = 0 if unit == "bit/s" or bits >= 100 else 1 if bits >= 10 else 2  # noqa: PLR2004  three digits
    return f"{bits:.{digits}f} {unit}"
