"""How pages and lists say whether something is protected, and what speaks against it."""

from collections.abc import Callable

from nicegui import ui

from holdfast.app.control.safety_views import SafetyView
from holdfast.base.texts import _
from holdfast.console.columns import word_column
from holdfast.console.tables import Choice, Column, Row
from holdfast.console.thing_words import SAFETY, reasons, word

# None: it is not registered any more, so nobody judges it.
View = Callable[[Row], SafetyView | None]


def speaks_against(judged: SafetyView | None) -> None:
    """Nothing at all where nothing does."""
    if judged is None or not judged.reasons:
        return
    with ui.element("div").classes("hf-notice hf-warn"):
        text = _("What speaks against it: {reasons}.")
        ui.label(text.format(reasons=reasons(judged.reasons)))


def safety_column(view: View[Row]) -> Column[Row]:
    return word_column("safety", _("Safe?"), lambda row: _of(view(row)), SAFETY)


def safety_choice(view: View[Row]) -> Choice[Row]:
    return Choice(name="safety", label=_("Safe?"), value=lambda row: word(SAFETY, _of(view(row))))


def why_column(view: View[Row], *, is_minor: bool = True) -> Column[Row]:
    def why(row: Row) -> str:
        judged = view(row)
        return reasons(judged.reasons) if judged else ""

    return Column(name="why", label=_("Why"), value=why, is_minor=is_minor)


def _of(judged: SafetyView | None) -> str | None:
    return judged.safety if judged else None
