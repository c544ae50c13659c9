"""A policy as the fields of a form, and what was written there as a policy again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BETWEEN = "="


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyForm:
    """Texts as people type them; lists are one on each line. Empty is none."""

    name: str
    schedule: str
    zone: str
    jitter: str
    retention: str
    catch_up: bool
    blackouts: str
    in_blackout: str
    verify: bool
    verify_schedule: str
    verify_share: str
    prune: bool
    prune_schedule: str
    prune_windows: str
    rate: str
    # On each line a window and its rate: "mon-fri 08:00-18:00 = 10M"; without a rate: unlimited.
    rates: str
    longest: str


def form_of(body: Mapping[str, Any]) -> PolicyForm:
    checked, pruned = body.get("verification") or {}, body.get("prune") or {}
    bandwidth, limits = body.get("bandwidth") or {}, body.get("limits") or {}
    return PolicyForm(
        name=body.get("name", ""),
        schedule=body.get("schedule", ""),
        zone=body.get("zone", "UTC"),
        jitter=body.get("jitter", "0s"),
        retention=_text(body.get("retention")),
        catch_up=body.get("catch_up", True),
        blackouts=_text(body.get("blackouts")),
        in_blackout=body.get("in_blackout", "put-off"),
        verify=bool(checked),
        verify_schedule=checked.get("schedule", "sun 05:00"),
        verify_share=checked.get("read_data", "5%" if not checked else "") or "",
        prune=bool(pruned),
        prune_schedule=pruned.get("schedule", "sun 04:00"),
        prune_windows=_text(pruned.get("windows")),
        rate=bandwidth.get("default") or "",
        rates=_text([_window(one) for one in bandwidth.get("windows", ())]),
        longest=limits.get("longest") or "",
    )


def body_of(form: PolicyForm, former: Mapping[str, Any]) -> dict[str, Any]:
    """What the form does not show stays as it was."""
    return {
        **former,
        "name": form.name.strip(),
        "schedule": form.schedule.strip(),
        "zone": form.zone.strip() or "UTC",
        "jitter": form.jitter.strip() or "0s",
        "retention": _lines(form.retention),
        "catch_up": form.catch_up,
        "blackouts": _lines(form.blackouts),
        "in_blackout": form.in_blackout,
        "verification": _verification(form),
        "prune": _prune(form, former.get("prune") or {}),
        "bandwidth": _bandwidth(form),
        "limits": {**(former.get("limits") or {}), "longest": form.longest.strip() or None},
    }


def _verification(form: PolicyForm) -> dict[str, Any] | None:
    if not form.verify:
        return None
    share = form.verify_share.strip() or None
    return {"schedule": form.verify_schedule.strip(), "read_data": share}


def _prune(form: PolicyForm, former: Mapping[str, Any]) -> dict[str, Any] | None:
    if not form.prune:
        return None
    windows = _lines(form.prune_windows)
    return {**former, "schedule": form.prune_schedule.strip(), "windows": windows}


def _bandwidth(form: PolicyForm) -> dict[str, Any] | None:
    windows = [_read_window(line) for line in _lines(form.rates)]
    rate = form.rate.strip() or None
    return {"default": rate, "windows": windows} if rate or windows else None


def _read_window(line: str) -> dict[str, Any]:
    when, _between, rate = line.partition(_BETWEEN)
    return {"when": when.strip(), "rate": rate.strip() or None}


def _window(one: Mapping[str, Any]) -> str:
    rate = one.get("rate")
    return one["when"] if rate is None else f"{one['when']} {_BETWEEN} {rate}"


def _text(lines: list[str] | None) -> str:
    return "\n".join(lines or ())


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
