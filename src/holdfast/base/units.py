"""Sizes and durations as people write and read them."""

import re
from datetime import timedelta

from holdfast.base.texts import _

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_DURATION_PART = re.compile(r"(\d+)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_POWERS = " kmgtp"


def parse_size(text: str) -> int:
    """Bytes of "16M", "1.5 GiB", "4096"; the units are powers of 1024."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a size: {text!r}")
    power = _POWERS.index(found[2].lower() or " ")
    return int(float(found[1]) * 1024**power)


def format_size(size: float) -> str:
    """Three digits and a unit, as in "1.50 GiB"."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1000 or unit == "TiB":  # noqa: PLR2004  a fourth digit starts here
            break
        size /= 1024
    digits = 0 if unit == "B" else 2 if abs(size) < 10 else 1 if abs(size) < 100 else 0  # noqa: PLR2004
    return f"{size:.{digits}f} {unit}"


def parse_duration(text: str) -> timedelta:
    """Time of "90s", "1h30m", "2w"."""
    squeezed = text.replace(" ", "")
    parts = _DURATION_PART.findall(squeezed)
    if not parts or "".join(n + u for n, u in parts) != squeezed:
        raise ValueError(f"not a duration: {text!r}")
    return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in parts))


def format_duration(seconds: float) -> str:
    """Clock time of "0:42" or "1:02:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration_text(seconds: float) -> str:
    """In the two greatest units, of which the second may be nothing: 3 d 4 h, 2 h 5 min, 5 min."""
    left = max(0, round(seconds))
    if left < _MINUTE:
        return _("{seconds} s").format(seconds=left)
    if left < _HOUR:
        minutes, rest = divmod(left, _MINUTE)
        text = _("{minutes} min {seconds} s") if rest else _("{minutes} min")
        return text.format(minutes=minutes, seconds=rest)
    if left < _DAY:
        hours, rest = left // _HOUR, left % _HOUR // _MINUTE
        text = _("{hours} h {minutes} min") if rest else _("{hours} h")
        return text.format(hours=hours, minutes=rest)
    days, rest = left // _DAY, left % _DAY // _HOUR
    text = _("{days} d {hours} h") if rest else _("{days} d")
    return text.format(days=days, hours=rest)
