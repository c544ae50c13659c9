"""Reading a policy that somebody wrote: strictly, so that a slip of the pen protects nobody by accident."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from holdfast.base.texts import _
from holdfast.base.units import parse_duration, parse_size
from holdfast.fleet.local_time import read_zone
from holdfast.fleet.policies import (
    Bandwidth,
    BandwidthWindow,
    Limits,
    Policy,
    Prune,
    Retry,
    Verification,
    known_policy,
)
from holdfast.fleet.policy_errors import PolicyNeverRuns, PolicyNotUnderstood
from holdfast.fleet.retention_text import format_retention, parse_retention
from holdfast.fleet.schedule import next_due
from holdfast.fleet.schedule_text import format_schedule, format_span, parse_schedule
from holdfast.fleet.windows import covers_week, parse_window
from holdfast.vault.check_subset import parse_subset

LONGEST_TEXT = 200
MOST_ITEMS = 30
MOST_RETRIES = 1000
_LONGEST_SPAN = timedelta(days=3660)
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
# Where a policy has parts of its own, and what they are.
_PARTS: dict[str, type] = {
    "": Policy,
    "verification": Verification,
    "prune": Prune,
    "bandwidth": Bandwidth,
    "bandwidth.windows[]": BandwidthWindow,
    "retry": Retry,
    "limits": Limits,
}


def read_policy(body: Mapping[str, Any]) -> Policy:
    """A policy from its JSON, with every text in its one spelling."""
    _refuse_strange(body)
    policy = known_policy(body)
    read_zone(policy.zone)
    _check_spans(policy)
    _check_parts(policy)
    found = replace(
        policy,
        schedule=format_schedule(parse_schedule(policy.schedule)),
        jitter=format_span(parse_duration(policy.jitter)),
        spread=None if policy.spread is None else format_span(parse_duration(policy.spread)),
        blackouts=_once(str(parse_window(text)) for text in policy.blackouts),
        retention=_once(format_retention(parse_retention(policy.retention))),
    )
    timing = found.timing
    if covers_week(timing.blackouts) or next_due(timing, _ANY_DAY, seed="") is None:
        raise PolicyNeverRuns(schedule=found.schedule)
    return found


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _check_spans(policy: Policy) -> None:
    places = {
        "jitter": policy.jitter,
        "spread": policy.spread,
        "catch_up_within": policy.catch_up_within,
        "limits.longest": policy.limits.longest,
        "retry.then": policy.retry.then,
        **{f"retry.first[{place}]": text for place, text in enumerate(policy.retry.first)},
    }
    for place, text in places.items():
        if text is not None:
            _span(place, text)
    if not 0 <= policy.retry.most <= MOST_RETRIES:
        reason = _("between 0 and {most}").format(most=MOST_RETRIES)
        raise PolicyNotUnderstood(place="retry.most", reason=reason)


def _check_parts(policy: Policy) -> None:
    if policy.verification is not None:
        parse_schedule(policy.verification.schedule)
        parse_subset(policy.verification.read_data or "")
    if policy.prune is not None:
        parse_schedule(policy.prune.schedule)
        _share("prune.max_unused", policy.prune.max_unused)
        for text in policy.prune.windows:
            parse_window(text)
    if policy.bandwidth is not None:
        _rate("bandwidth.default", policy.bandwidth.default)
        for place, window in enumerate(policy.bandwidth.windows):
            parse_window(window.when)
            _rate(f"bandwidth.windows[{place}].rate", window.rate)


def _span(place: str, text: str) -> None:
    try:
        is_good = timedelta(0) <= parse_duration(text) <= _LONGEST_SPAN
    except (ValueError, OverflowError):
        is_good = False
    if not is_good:
        reason = _("'{text}' is no duration as in 30m, 1h30m or 3d").format(text=text)
        raise PolicyNotUnderstood(place=place, reason=reason)


def _rate(place: str, text: str | None) -> None:
    try:
        parse_size(text or "0")
    except (ValueError, OverflowError) as err:
        reason = _("'{text}' is no rate as in 500K or 10M, in bytes a second").format(text=text)
        raise PolicyNotUnderstood(place=place, reason=reason) from err


def _share(place: str, text: str) -> None:
    number = text.removesuffix("%")
    if number == text or not number.isdecimal() or int(number) > 100:  # noqa: PLR2004  per cent
        reason = _("'{text}' is no share as in 5%").format(text=text)
        raise PolicyNotUnderstood(place=place, reason=reason)


def _refuse_strange(body: Mapping[str, Any]) -> None:
    """Unknown names, and texts and lists that no policy needs."""
    for place, value in _values("", body):
        if isinstance(value, Mapping):
            _refuse_unknown(place, value)
        elif isinstance(value, str) and (len(value) > LONGEST_TEXT or not value.isprintable()):
            reason = _("a line of at most {most} characters").format(most=LONGEST_TEXT)
            raise PolicyNotUnderstood(place=place, reason=reason)
        elif isinstance(value, list) and len(value) > MOST_ITEMS:
            reason = _("at most {most} of them").format(most=MOST_ITEMS)
            raise PolicyNotUnderstood(place=place, reason=reason)


def _values(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield place, value
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _values(f"{place}.{name}".lstrip("."), inner)
    elif isinstance(value, list):
        for inner in value[: MOST_ITEMS + 1]:
            yield from _values(f"{place}[]", inner)


def _refuse_unknown(place: str, value: Mapping[str, Any]) -> None:
    part = _PARTS.get(place)
    if part is None:
        # It stands where no part belongs; reading it says what does.
        return
    known = [one.name for one in fields(part)]
    for name in value:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1) or known
            reason = _("it is not known; perhaps {close}").format(close=", ".join(close))
            raise PolicyNotUnderstood(place=f"{place}.{name}".lstrip("."), reason=reason)
