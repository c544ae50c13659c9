"""Reports: how a week went, how long there is room, and pages made at hosts that are kept here."""

from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field
from starlette.responses import HTMLResponse, PlainTextResponse

from holdfast.app.control.reports import keeping
from holdfast.app.control.reports.capacity import Capacity, forecast
from holdfast.app.control.reports.capacity_page import capacity_page
from holdfast.app.control.reports.capacity_text import capacity_text
from holdfast.app.control.reports.keeping import KeptView, NewReport
from holdfast.app.control.reports.week import Weekly
from holdfast.app.control.reports.weekly import weekly
from holdfast.app.control.reports.weekly_page import weekly_page
from holdfast.app.control.reports.weekly_text import weekly_text
from holdfast.base.units import MIB
from holdfast.fleet.local_time import read_zone
from holdfast.server.callers import Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["reports"])
_NOTHING_BUT_LOOKS = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def _zone(
    zone: Annotated[str, Query(description="Whose clock moments are told by: Asia/Seoul.")] = "UTC",
) -> ZoneInfo:
    return read_zone(zone)


def _weekly(plane: ThePlane, person: Person, vault: str | None = None) -> Weekly:
    return weekly(plane, person, vault=vault)


def _capacity(plane: ThePlane, person: Person, vault: str | None = None) -> Capacity:
    return forecast(plane, person, vault=vault)


Zone = Annotated[ZoneInfo, Depends(_zone)]
TheWeek = Annotated[Weekly, Depends(_weekly)]
TheCapacity = Annotated[Capacity, Depends(_capacity)]


@router.get("/reports/weekly")
def show_week(week: TheWeek) -> Weekly:
    """The last seven days, and how things stand; of one vault or of all one may read."""
    return week


@router.get("/reports/weekly/page", response_class=HTMLResponse)
def show_week_page(zone: Zone, week: TheWeek) -> HTMLResponse:
    """The same as one file to be shown around: it asks nobody for anything."""
    return HTMLResponse(weekly_page(week, zone=zone))


@router.get("/reports/weekly/text", response_class=PlainTextResponse)
def show_week_text(zone: Zone, week: TheWeek) -> PlainTextResponse:
    """The same as it is sent to those who want it each week."""
    return PlainTextResponse(weekly_text(week, zone=zone))


@router.get("/reports/capacity")
def show_capacity(found: TheCapacity) -> Capacity:
    """How much vaults hold, how fast they grow, and until when there is room."""
    return found


@router.get("/reports/capacity/page", response_class=HTMLResponse)
def show_capacity_page(zone: Zone, found: TheCapacity) -> HTMLResponse:
    """The same as one file to be shown around."""
    return HTMLResponse(capacity_page(found, zone=zone))


@router.get("/reports/capacity/text", response_class=PlainTextResponse)
def show_capacity_text(zone: Zone, found: TheCapacity) -> PlainTextResponse:
    return PlainTextResponse(capacity_text(found, zone=zone))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportWanted:
    """`vault` is an id or a name; `page` an HTML file that needs nothing else."""

    vault: str
    title: Annotated[str, Field(min_length=1, max_length=200)]
    page: Annotated[str, Field(min_length=1, max_length=MIB)]
    made_at: AwareDatetime
    kind: Literal["planner"] = "planner"
    facts: dict[str, str | int | float | None] = field(default_factory=dict)


@router.get("/reports/kept")
def list_kept(
    plane: ThePlane, person: Person, window: Paging, vault: str | None = None
) -> Page[KeptView]:
    """Reports that were made at hosts and sent here; the newest first."""
    return keeping.list_kept(plane, person, window, vault=vault)


@router.post("/reports/kept", status_code=HTTPStatus.CREATED)
def keep(plane: ThePlane, person: Person, new: ReportWanted) -> KeptView:
    """Keep a page that was made elsewhere, as `holdfast planner report --send` does."""
    return keeping.keep_report(plane, person, NewReport(**asdict(new)))


@router.get("/reports/kept/{report_id}/page", response_class=HTMLResponse)
def show_kept(plane: ThePlane, person: Person, report_id: str) -> HTMLResponse:
    """As it was sent. A browser that shows it runs no script of it, and asks nobody for anything."""
    page = keeping.kept_page(plane, person, report_id)
    return HTMLResponse(page, headers={"Content-Security-Policy": _NOTHING_BUT_LOOKS})


@router.delete("/reports/kept/{report_id}", status_code=HTTPStatus.NO_CONTENT)
def drop(plane: ThePlane, person: Person, report_id: str) -> None:
    keeping.drop_report(plane, person, report_id)
