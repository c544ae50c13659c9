"""Thresholds as people write them: rpo-warn=20m, missed-warn=30%, spool-act=60%."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import msgspec

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_
from holdfast.base.units import parse_duration, parse_size
from holdfast.fleet.schedule_text import format_span
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.spool_guard import SpoolLimits
from holdfast.replication.thresholds import Thresholds


class ThresholdNotUnderstood(HoldfastError):
    code = "threshold-not-understood"
    sentence = N_("'{text}' is no threshold: {reason}")
    remedy = N_("Write it as in rpo-warn=20m, missed-warn=30% or spool-act=60%. There are: {names}")
    exit_status = Exit.USAGE


def _seconds(text: str) -> int:
    return round(parse_duration(text).total_seconds())


def _share(text: str) -> float:
    found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < found < float("inf"):
        raise ValueError("a share is above 0")
    return found


def _factor(text: str) -> float:
    found = float(text)
    if not 1 <= found < float("inf"):
        raise ValueError("a factor is at least 1")
    return found


_HOW: Final[Mapping[str, Callable[[str], float]]] = {
    "missed_warn": _share,
    "churn_warn": _share,
    "churn_critical": _share,
    "spool_warn": _share,
    "spool_act": _share,
    "scratch_warn": _share,
    "scratch_act": _share,
    "slow_bytes_per_second": parse_size,
    "app_late": _factor,
}
# Of settings beside the thresholds; each has a warning and what is done.
_LIMITS: Final = ("spool", "scratch")
_OF_LIMITS: Final = tuple(f"{limit}_{part}" for limit in _LIMITS for part in ("warn", "act"))
NAMES: Final = tuple(
    name.replace("_", "-") for name in (*Thresholds.__struct_fields__, *_OF_LIMITS)
)


def read_threshold(text: str) -> tuple[str, float]:
    """The field and its value; durations are seconds."""
    name, _equals, value = text.partition("=")
    field = name.strip().replace("-", "_")
    try:
        if name.strip() not in NAMES:
            raise ValueError(name.strip() or "-")
        return field, _HOW.get(field, _seconds)(value.strip())
    except ValueError as err:
        raise ThresholdNotUnderstood(text=text, reason=err, names=", ".join(NAMES)) from err


def threshold_lines(settings: ReplicationSettings | None) -> list[str]:
    """Those that are other than usual, as they are read again; without settings all the usual ones."""
    usual = _lines(Thresholds(), {limit: SpoolLimits() for limit in _LIMITS})
    if settings is None:
        return usual
    limits = {limit: getattr(settings, limit) for limit in _LIMITS}
    return [one for one in _lines(settings.thresholds, limits) if one not in usual]


def _lines(thresholds: Thresholds, limits: Mapping[str, SpoolLimits]) -> list[str]:
    held = msgspec.structs.asdict(thresholds)
    for limit, found in limits.items():
        held |= {f"{limit}_warn": found.warn, f"{limit}_act": found.act}
    return [_line(name, value) for name, value in held.items()]


def _line(name: str, value: float) -> str:
    how = _HOW.get(name, _seconds)
    text = f"{value:g}"
    if how is _share:
        text = f"{value * 100:g}%"
    elif how is _seconds:
        text = format_span(timedelta(seconds=value))
    elif how is parse_size:
        text = str(round(value))
    return f"{name.replace('_', '-')}={text}"


def with_thresholds(
    settings: ReplicationSettings, told: Mapping[str, float]
) -> ReplicationSettings:
    """What is not told stays; limits that contradict each other are refused."""
    others = {name: n for name, n in told.items() if name not in _OF_LIMITS}
    try:
        changes = {limit: _limits(settings, limit, told) for limit in _LIMITS}
        return msgspec.structs.replace(
            settings, thresholds=msgspec.structs.replace(settings.thresholds, **others), **changes
        )
    except ValueError as err:
        text = ", ".join(told)
        raise ThresholdNotUnderstood(text=text, reason=err, names=", ".join(NAMES)) from err


def _limits(settings: ReplicationSettings, limit: str, told: Mapping[str, float]) -> SpoolLimits:
    known: SpoolLimits = getattr(settings, limit)
    parts = {part: told[f"{limit}_{part}"] for part in ("warn", "act") if f"{limit}_{part}" in told}
    return msgspec.structs.replace(known, **parts)
