"""Error codes in all their notations: 0x80070005, 2147942405, -2147024891 are one code."""

import re

_NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]{3,16}|-?\d{3,12}|[0-9a-fA-F]{8}(?=h\b))(?![\w])")
_WORD = 1 << 32
# Decimal numbers from here on are HRESULTs written in decimal.
_HIGH = 0x80000000


def canonical(code: str) -> str:
    """One notation per code: an HRESULT in hexadecimal, everything else as it is known."""
    text = code.strip().rstrip(".,;:)")
    value = _value(text)
    if value is None:
        return text.lower()
    if text.lower().startswith("0x") or value >= _HIGH:
        return f"0x{value:X}"
    return str(value)


def same_codes(code: str) -> set[str]:
    """The canonical code, and what a decimal number is in hexadecimal."""
    value = _value(code.strip())
    known = {canonical(code)}
    return known if value is None else {*known, str(value), f"0x{value:X}"}


def _value(text: str) -> int | None:
    try:
        value = int(text, 16) if text.lower().startswith("0x") else int(text)
    except ValueError:
        return None
    return value + _WORD if -_HIGH <= value < 0 else value


def codes_in(text: str) -> list[str]:
    """Every number in a text that could be a code, in the order in which they stand."""
    return [canonical(found.group(1)) for found in _NUMBER.finditer(text)]


def patterns_of(code: str) -> tuple[str, ...]:
    """How a code shows in a log, as RE2 patterns.

    A short decimal number alone is any number: it counts only beside a word that makes it a code.
    """
    value = _value(code)
    if value is None:
        return (rf"\b{re.escape(code)}\b",)
    patterns = [rf"\b0x0*{value:X}\b"] if code.lower().startswith("0x") or value >= _HIGH else []
    if value >= _HIGH:
        patterns += [rf"\b{value}\b", rf"-{_WORD - value}\b"]
    elif not patterns:
        patterns.append(
            rf"(?:error|code|\bid|event ?id|오류|코드)[ \t'\":=#(\[]{{0,4}}(?:id|code|코드)?[ \t'\":=#(\[]{{0,4}}{value}\b"
        )
    return tuple(patterns)
