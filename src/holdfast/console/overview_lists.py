"""What is wrong by its causes, and what waits for a person, as the first page lists them."""

from collections.abc import Sequence
from urllib.parse import quote

from nicegui import ui

from holdfast.app.control.needs import Asks
from holdfast.app.control.overview_views import NeedView
from holdfast.app.control.problems import ProblemView
from holdfast.base.texts import _, ngettext
from holdfast.console import shown
from holdfast.console.places import address
from holdfast.console.problem_words import grave


def needs(found: Sequence[NeedView]) -> None:
    """Nothing at all where nothing waits."""
    if not found:
        return
    shown.heading(_("Waits for you"))
    with ui.element("ul").classes("hf-problems"):
        for one in found:
            with ui.element("li").classes("hf-problem hf-edge-busy"):
                _row_link(one.sentence, _href(one))
                ui.label(_("since {time}").format(time=shown.when(one.since))).classes("hf-muted")


def problems(found: tuple[Sequence[ProblemView], int]) -> None:
    """The gravest; of the others there is a number."""
    some, count = found
    shown.heading(_("Problems, by their causes"))
    if not some:
        with ui.element("section").classes("hf-notice hf-good"):
            ui.label(_("Nothing has gone wrong."))
        return
    with ui.element("ul").classes("hf-problems"):
        for one in some:
            _problem(one)
    if count > len(some):
        text = ngettext("{count} more problem", "{count} more problems", count - len(some))
        shown.link(text.format(count=count - len(some)), "/problems")


def _problem(one: ProblemView) -> None:
    word, tone = grave(one.severity)
    with ui.element("li").classes(f"hf-problem hf-edge-{tone}"):
        with ui.element("div").classes("hf-row"):
            shown.chip(word, tone)
            if one.affected:
                ui.label(one.affected).classes("hf-strong")
            ui.label(_("since {time}").format(time=shown.when(one.since))).classes("hf-muted")
        _row_link(one.sentence, f"/problems/{quote(one.id, safe='')}")
        if one.remedy:
            shown.prose(one.remedy).classes("hf-muted hf-pre")


def _row_link(text: str, href: str) -> None:
    with ui.element("a").classes("hf-link") as made:
        ui.label(text)
    made.props["href"] = address(href)


def _href(need: NeedView) -> str:
    match Asks(need.asks):
        case Asks.APPROVAL:
            return "/approvals"
        case Asks.PLAN_ANSWER:
            return f"/plan-runs/{need.objects[0]}"
        case Asks.COMMIT | Asks.REPROTECT:
            return f"/recovery/{need.objects[0]}"
