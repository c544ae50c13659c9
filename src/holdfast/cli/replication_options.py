"""Values of options about replication: how often, how fast, how long."""

import re
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import parse_duration, parse_size

if TYPE_CHECKING:
    from holdfast.replication.settings import Limit

# As people say them, in seconds.
INTERVALS = {"30s": 30, "5m": 300, "15m": 900}
_BITS = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg])bit(?:/s)?", re.IGNORECASE)
_THOUSANDS = {"k": 10**3, "m": 10**6, "g": 10**9}


class _Rate(click.ParamType["Limit"]):
    """`20mbit`, `2M` (bytes), `0` (nothing), each with `@WINDOW` or without."""

    name = "rate"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Limit":
        from holdfast.fleet.windows import parse_window
        from holdfast.replication.settings import Limit

        if isinstance(value, Limit):
            return value
        rate, _at, window = str(value).partition("@")
        try:
            limit = Limit(bytes_per_second=_bytes(rate.strip()), window=window.strip())
        except ValueError:
            text = _("{value!r} is not a rate like 20mbit or 2M, with @WINDOW or without")
            self.fail(text.format(value=value), param, ctx)
        if limit.window:
            _windowed(self, parse_window, limit.window, param, ctx)
        return limit


class _Window(click.ParamType[str]):
    name = "window"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from holdfast.fleet.windows import parse_window

        text = str(value).strip()
        if text:
            _windowed(self, parse_window, text, param, ctx)
        return text


class _Often(click.ParamType[int]):
    """Seconds; `never` is 0."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if value in {"never", "0"}:
            return 0
        try:
            return round(parse_duration(str(value)).total_seconds())
        except ValueError:
            text = _("{value!r} is neither a time like 1h nor never")
            self.fail(text.format(value=value), param, ctx)


class _Place(click.ParamType[tuple[str, int]]):
    """HOST, or HOST:PORT; an address of IPv6 stands in brackets."""

    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        from holdfast.replication.settings import DEFAULT_PORT

        if not isinstance(value, str):
            found: tuple[str, int] = value
            return found
        matched = re.fullmatch(r"(?:\[(.+)\]|([^:\s]*))(?::(\d{1,5}))?", value)
        port = int(matched[3] or DEFAULT_PORT) if matched else 0
        if matched is None or not 0 <= port < 1 << 16:
            text = _("{value!r} is not an address like HOST or HOST:9443")
            self.fail(text.format(value=value), param, ctx)
        return matched[1] or matched[2], port


def _bytes(text: str) -> int:
    found = _BITS.fullmatch(text)
    if found is None:
        return parse_size(text)
    return int(float(found[1]) * _THOUSANDS[found[2].lower()] / 8)


def _windowed(
    kind: click.ParamType[Any], parse: Any, text: str, param: Any, ctx: click.Context | None
) -> None:
    try:
        parse(text)
    except HoldfastError as err:
        kind.fail(f"{err} {err.advice}", param, ctx)


RATE = _Rate()
WINDOW = _Window()
OFTEN = _Often()
PLACE = _Place()
