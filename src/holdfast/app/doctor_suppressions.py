"""Causes that somebody has taken on: with a reason, and for a time."""

import tomllib
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

import msgspec

from holdfast.app.doctor_errors import DoctorSuppressionWrong
from holdfast.base.texts import _
from holdfast.doctor.loading import Catalogue
from holdfast.doctor.matching import causes_for


class Suppression(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cause that is not to be told about until that day is over."""

    cause: str
    reason: str
    until: date


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    suppress: tuple[Suppression, ...] = ()


def read_file(path: Path) -> tuple[Suppression, ...]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(content, _File).suppress
    except (OSError, ValueError, msgspec.ValidationError) as err:
        raise DoctorSuppressionWrong(where=path, reason=err) from err


def read_option(given: str) -> Suppression:
    """Read CAUSE=UNTIL:REASON, as in scratch.low=2026-12-31:the disk is ordered."""
    cause, _equals, rest = given.partition("=")
    until, _colon, reason = rest.partition(":")
    try:
        return Suppression(cause=cause, until=date.fromisoformat(until), reason=_said(reason))
    except ValueError as err:
        raise DoctorSuppressionWrong(where=given, reason=err) from err


def _said(reason: str) -> str:
    if not reason.strip():
        raise ValueError(_("no reason is given"))
    return reason.strip()


def in_force(
    wanted: Iterable[Suppression],
    catalogue: Catalogue,
    *,
    today: date,
    warn: Callable[[str], None],
) -> Iterator[str]:
    """The causes to be silent about today; what has run out says so and counts again."""
    for one in wanted:
        causes = causes_for(catalogue, one.cause)
        if not causes:
            reason = _("no cause is called so")
            raise DoctorSuppressionWrong(where=one.cause, reason=reason)
        if one.until < today:
            sentence = _("{cause} is suppressed no longer, its time ended on {day}")
            warn(sentence.format(cause=one.cause, day=one.until.isoformat()))
        else:
            yield from causes
