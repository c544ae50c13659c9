"""Alerts: what is wrong, where it is told, and what is silenced."""

from dataclasses import asdict, dataclass
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from holdfast.app.control import alert_rules
from holdfast.app.control.alert_rules import (
    AlertView,
    NewSuppression,
    NewTarget,
    SuppressionView,
    TargetView,
)
from holdfast.server.api.sessions import Name
from holdfast.server.callers import Person, ThePlane
from holdfast.server.notifying import check_target, sender
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["alerts"])
_YEARS = 24 * 3660
Severity = Literal["info", "warning", "error", "critical"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetWanted:
    """Without a vault, a name or an id, it is for all of them."""

    name: Name
    url: Annotated[str, Field(min_length=1, max_length=2000, description="As apprise reads it.")]
    vault: str | None = None
    min_severity: Severity = "warning"
    lang: Literal["en", "ko"] = "en"
    daily_summary: bool = False
    summary_at: str = "08:00"
    summary_zone: str = "UTC"
    weekly_on: Weekday | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionWanted:
    """What is not given is not looked at."""

    reason: Annotated[str, Field(max_length=1000)]
    kind: str | None = None
    vault: str | None = None
    machine_id: str | None = None
    hours: Annotated[float, Field(gt=0, le=_YEARS)] | None = None


@router.get("/alerts")
def list_alerts(
    plane: ThePlane,
    person: Person,
    window: Paging,
    open: bool | None = None,  # noqa: A002, FBT001  the word in the query
    severity: Severity | None = None,
) -> Page[AlertView]:
    """Alerts of the vaults one may read, the newest first."""
    return alert_rules.list_alerts(plane, person, window, is_open=open, severity=severity)


@router.get("/alerts/{alert_id}")
def show_alert(plane: ThePlane, person: Person, alert_id: str) -> AlertView:
    return alert_rules.show_alert(plane, person, alert_id)


@router.post("/alerts/{alert_id}/close")
def close_alert(plane: ThePlane, person: Person, alert_id: str) -> AlertView:
    """Say that it is seen to; the same cause seen again opens a new alert."""
    return alert_rules.close_alert(plane, person, alert_id)


@router.get("/alert-targets")
def list_targets(plane: ThePlane, person: Person) -> list[TargetView]:
    """Where alerts go; without the URLs, which may hold passwords."""
    return list(alert_rules.list_targets(plane, person))


@router.post("/alert-targets", status_code=HTTPStatus.CREATED)
def add_target(plane: ThePlane, person: Person, new: TargetWanted) -> TargetView:
    """Send alerts to one more place, of one vault or of all."""
    check = partial(check_target, refuses=plane.webhooks.refuses)
    return alert_rules.add_target(plane, person, NewTarget(**asdict(new)), check=check)


@router.delete("/alert-targets/{target_id}", status_code=HTTPStatus.NO_CONTENT)
def remove_target(plane: ThePlane, person: Person, target_id: str) -> None:
    """It is sent that it was removed, as its last message."""
    alert_rules.remove_target(plane, person, target_id, send=sender(plane.webhooks.refuses))


@router.post("/alert-targets/{target_id}/test", status_code=HTTPStatus.NO_CONTENT)
def test_target(plane: ThePlane, person: Person, target_id: str) -> None:
    """Send a test message there now."""
    alert_rules.test_target(plane, person, target_id, send=sender(plane.webhooks.refuses))


@router.get("/alert-suppressions")
def list_suppressions(plane: ThePlane, person: Person) -> list[SuppressionView]:
    return list(alert_rules.list_suppressions(plane, person))


@router.post("/alert-suppressions", status_code=HTTPStatus.CREATED)
def suppress(plane: ThePlane, person: Person, new: SuppressionWanted) -> SuppressionView:
    """Note alerts of a kind, vault or machine, but do not send them."""
    return alert_rules.suppress(plane, person, NewSuppression(**asdict(new)))


@router.delete("/alert-suppressions/{rule_id}", status_code=HTTPStatus.NO_CONTENT)
def end_suppression(plane: ThePlane, person: Person, rule_id: str) -> None:
    alert_rules.end_suppression(plane, person, rule_id)
