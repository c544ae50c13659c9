"""`holdfast server report`: how a week went, and how long there is room."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import Group, option
from holdfast.cli.run import Run, start
from holdfast.cli.server_access import common_vault
from holdfast.cli.server_records import Column, tell_list, text, when

if TYPE_CHECKING:
    from holdfast.app.server_client import ServerClient

T = TypeVar("T")
_KEPT: list[Column] = [
    (N_("Id"), text("id")),
    (N_("Kind"), text("kind")),
    (N_("Made"), when("made_at")),
    (N_("Sent by"), text("kept_by")),
    (N_("Report"), text("title")),
]
_on = option("--on", metavar="VAULT", help=N_("Of this vault only; --vault means the same."))
_html = option(
    "--html", type=click.Path(dir_okay=False), help=N_("Write a page into this file as well.")
)


@click.group(
    cls=Group,
    needs_vault=False,
    help=N_(
        "Reports about all that the server looks after, or one vault of it.\n\n"
        "`--html` makes a page that needs nothing else: for a browser, for paper, for an auditor. "
        "`holdfast server alert-target add --weekly` sends the weekly one."
    ),
)
def report() -> None:
    pass


@report.command(
    needs_vault=False,
    help=N_(
        "Say how the last seven days went, and how things stand.\n\n"
        "What is wrong now, what would not come back, what is proven, what was done and what "
        "failed beside the week before, how replicas and drills fared, and growth."
    ),
    examples=[
        ("holdfast server report weekly", N_("All that you may look into.")),
        ("holdfast server report weekly --on main --html week.html", N_("One vault, as a page.")),
    ],
)
@_on
@_html
def weekly(*, on: str | None, html: str | None) -> None:
    from holdfast.app.control.reports.week import Weekly
    from holdfast.app.control.reports.weekly_page import weekly_page
    from holdfast.app.control.reports.weekly_text import weekly_text

    _show("weekly", _Looks(kind=Weekly, page=weekly_page, text=weekly_text), on=on, file=html)


@report.command(
    needs_vault=False,
    help=N_(
        "Say how much vaults hold, how fast they grow, and until when there is room.\n\n"
        "The server notes each hour what a vault holds. After a week it says when the quota or "
        "the disk is full, and between which days that will be four times in five."
    ),
    examples=[
        ("holdfast server report capacity", N_("What needs room first comes first.")),
        ("holdfast server report capacity --html room.html", N_("As a page, with pictures.")),
    ],
)
@_on
@_html
def capacity(*, on: str | None, html: str | None) -> None:
    from holdfast.app.control.reports.capacity import Capacity
    from holdfast.app.control.reports.capacity_page import capacity_page
    from holdfast.app.control.reports.capacity_text import capacity_text

    _show(
        "capacity", _Looks(kind=Capacity, page=capacity_page, text=capacity_text), on=on, file=html
    )


@report.command(
    needs_vault=False,
    help=N_(
        "List the reports that were made at hosts and sent here, the newest first.\n\n"
        "`holdfast planner report --send VAULT` sends one; the console hands them over."
    ),
    examples=[("holdfast server report kept", N_("Of all vaults that you may look into."))],
)
@_on
def kept(*, on: str | None) -> None:
    run = start()
    found = _client().items("/reports/kept", vault=on or common_vault())
    tell_list(run, "report-kept", found, _KEPT)


def _client() -> "ServerClient":
    from holdfast.app.server_client import connect

    return connect(start().session.settings.home)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looks(Generic[T]):
    """What a report is read as, and how it looks as a page and as text."""

    kind: type[T]
    page: Callable[..., str]
    text: Callable[..., str]


def _show(name: str, looks: _Looks[T], *, on: str | None, file: str | None) -> None:
    """The page is written before anything is told: what cannot be written is an error."""
    import msgspec

    from holdfast.app.planner_files import write_report_file

    run = start()
    told: dict[str, Any] = _client().get(f"/reports/{name}", vault=on or common_vault())
    # What a newer server tells besides is left out.
    found = msgspec.convert(told, looks.kind)
    zone = run.session.clock.now().tzinfo
    if file is not None:
        write_report_file(file, looks.page(found, zone=zone))
    _tell(run, f"report-{name}", told, looks.text(found, zone=zone), file=file)


def _tell(run: Run, kind: str, told: dict[str, Any], said: str, *, file: str | None) -> None:
    from holdfast.cli.json_events import ServerRecord

    lines = said.split("\n")
    if file is not None:
        lines += ["", _("Wrote {file}").format(file=file)]
    run.out.show(ServerRecord(kind=kind, record=told), *lines)
