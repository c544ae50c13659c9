"""The first page: would everything come back? Answered at a glance, and again while it is open."""

from nicegui import ui

from holdfast.app.control.overview import show_overview
from holdfast.app.control.overview_views import Answer, OverviewView
from holdfast.base.texts import N_
from holdfast.console import overview_texts as texts
from holdfast.console import shown
from holdfast.console.overview_lists import needs, problems
from holdfast.console.overview_tiles import DayTiles, ProofTiles, SafetyTiles
from holdfast.console.pages import page
from holdfast.console.parts import Part
from holdfast.console.places import address
from holdfast.console.visiting import Visit

_SECONDS = 3.0


@page("/", title=N_("Overview"), section="overview")
async def overview_page(visit: Visit) -> None:
    view = await visit.ask(show_overview)
    board = _Board()
    board.show(view)

    async def again() -> None:
        board.show(await visit.ask(show_overview))

    visit.every(_SECONDS, again)


class _Board:
    def __init__(self) -> None:
        # Read out when it changes: this is what people are here for.
        self._verdict = Part(_verdict)
        self._verdict.place.props["role"] = "status"
        self._full = ui.element("div").classes("hf-stack hf-overview")
        with self._full:
            self._safety = SafetyTiles()
            self._needs = Part(needs)
            self._problems = Part(problems)
            self._proofs = ProofTiles()
            self._day = DayTiles()

    def show(self, view: OverviewView) -> None:
        self._verdict.show(texts.verdict(view))
        self._full.set_visibility(view.answer != Answer.EMPTY)
        self._safety.show(view)
        self._needs.show(view.needs)
        self._problems.show((view.problems, sum(view.problems_by_severity.values())))
        self._proofs.show(view)
        self._day.show(view)


def _verdict(said: texts.Verdict) -> None:
    if said.is_empty:
        shown.empty(said.sentence, said.more, action=said.action, href=said.href)
        return
    with ui.element("section").classes(f"hf-notice hf-verdict hf-{said.tone}"):
        with ui.element("div").classes("hf-verdict-said"):
            ui.label(said.sentence).classes("hf-verdict-sentence")
            ui.label(said.more)
        if said.action:
            with ui.element("a").classes("hf-button hf-button-main") as button:
                ui.label(said.action)
            button.props["href"] = address(said.href)
