"""How it is said and shown whether and when a machine is frozen for its points."""

from typing import TYPE_CHECKING, Any

import click

from holdfast.base.texts import _
from holdfast.base.units import format_duration, parse_duration
from holdfast.cli.output import encodable

if TYPE_CHECKING:
    from holdfast.app.vm_records import Protection

_ALL = "all"


class _Mounts(click.ParamType[tuple[str, ...]]):
    name = "paths"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if not isinstance(value, str):
            return tuple(value)
        if value == _ALL:
            return ()
        found = tuple(dict.fromkeys(each.strip() for each in value.split(",")))
        if not all(each.startswith("/") for each in found):
            self.fail(_("{value!r} is not a list like /,/data").format(value=value), param, ctx)
        return found


class _Frequency(click.ParamType[tuple[int, int]]):
    """A number of points, or seconds; the other one is what means nothing."""

    name = "frequency"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if not isinstance(value, str):
            found: tuple[int, int] = value
            return found
        try:
            if value.isdecimal() and int(value) > 0:
                return int(value), 0
            seconds = round(parse_duration(value).total_seconds())
        except ValueError:
            seconds = 0
        if not seconds:
            self.fail(
                _("{value!r} is neither a number nor a time like 6h").format(value=value),
                param,
                ctx,
            )
        return 1, seconds


MOUNTS = _Mounts()
FREQUENCY = _Frequency()


def settings_of(known: "Protection") -> dict[str, Any]:
    """For programs."""
    freeze = known.freeze
    return {
        "consistency": known.consistency,
        "tracking": known.tracking,
        "never_freeze": freeze.never,
        "freeze_mounts": [encodable(each) for each in freeze.mounts],
        "freeze_every": freeze.every,
        "freeze_every_seconds": freeze.every_seconds or None,
        "scratch": encodable(known.scratch) or None,
    }


def freeze_line(known: "Protection") -> str:
    """For people."""
    freeze = known.freeze
    if freeze.never:
        return _("for no point")
    when = _("for every point")
    if freeze.every_seconds:
        when = _("once in {time}").format(time=format_duration(freeze.every_seconds))
    elif freeze.every > 1:
        when = _("for one point of {count}").format(count=freeze.every)
    if not freeze.mounts:
        return when
    return _("{when}, only {mounts}").format(when=when, mounts=", ".join(freeze.mounts))
