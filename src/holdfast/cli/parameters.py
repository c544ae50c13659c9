"""Kinds of option values: sizes, moments, shares, lists of paths."""

from datetime import datetime, timedelta
from typing import Any

import click

from holdfast.base.texts import N_, _
from holdfast.base.units import parse_duration, parse_size


class _Size(click.ParamType[int]):
    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_size(str(value))
        except ValueError:
            self.fail(_("{value!r} is not a size like 4G").format(value=value), param, ctx)


class _Duration(click.ParamType[timedelta]):
    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        try:
            return value if isinstance(value, timedelta) else parse_duration(str(value))
        except ValueError:
            self.fail(_("{value!r} is not a time like 10m").format(value=value), param, ctx)


class _Moment(click.ParamType[datetime]):
    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            sentence = _("{value!r} is not a time like 2026-03-28T02:30")
            self.fail(sentence.format(value=value), param, ctx)
        # Without a zone it is the time on this machine's clock.
        return found.astimezone()


class _Share(click.ParamType[float]):
    name = "share"

    def __init__(self, refusal: str, most: float = 1.0) -> None:
        self._refusal = refusal
        self._most = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        try:
            share = float(str(value).removesuffix("%")) / 100
        except ValueError:
            share = -1
        if not 0 <= share <= self._most:
            self.fail(_(self._refusal).format(value=value), param, ctx)
        return share


SIZE = _Size()
SHARE = _Share(N_("{value!r} is not a share like 10%"))
# A hundred times as much is more than anybody plans for.
GROWTH = _Share(N_("{value!r} is not a growth like 30%"), most=100.0)
MOMENT = _Moment()
DURATION = _Duration()


def read_paths(given: tuple[bytes, ...], list_file: bytes | None) -> tuple[bytes, ...]:
    """The paths to work on; that there is at least one is a question of usage."""
    found = [*given, *(_listed(list_file) if list_file else ())]
    if not found:
        raise click.UsageError(_("Name at least one path"), ctx=click.get_current_context())
    return tuple(found)


def _listed(list_file: bytes) -> list[bytes]:
    try:
        with open(list_file, "rb") as stream:
            content = stream.read()
    except OSError as err:
        raise click.FileError(click.format_filename(list_file), err.strerror) from err
    # Names may hold line ends; `find -print0` separates by zero bytes.
    separator = b"\0" if b"\0" in content else b"\n"
    return [path for path in content.split(separator) if path]
