"""How figures and words look on every page: the same thing is always written the same way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from nicegui import ui

from holdfast.base.texts import _, ngettext
from holdfast.base.units import duration_text, format_size

Tone = Literal["good", "warn", "bad", "busy", "idle"]
Fact = tuple[str, str] | tuple[str, str, str]
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MANY_DAYS = 45


def duration(seconds: float | None) -> str:
    return "-" if seconds is None else duration_text(seconds)


def ago(when: datetime | None, now: datetime) -> str:
    if when is None:
        return _("not yet")
    passed = now - when
    if passed < timedelta(seconds=-_MINUTE):
        return _("in {time}").format(time=_rough(-passed))
    if passed < timedelta(seconds=_MINUTE):
        return _("just now")
    return _("{time} ago").format(time=_rough(passed))


def when(moment: datetime | None) -> str:
    """Of the clock, in the server's zone with its name; for tooltips, details, exports."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if moment else "-"


def size(count: float | None) -> str:
    return "-" if count is None else format_size(count)


def chip(text: str, tone: Tone = "idle") -> ui.element:
    """A word with a colour behind it; the word says it all, the colour is for the quick eye."""
    with ui.element("span").classes(f"hf-chip hf-{tone}") as made:
        ui.label(text)
    return made


def figure(label: str, value: str, *, href: str, tone: Tone = "idle", note: str = "") -> ui.element:
    """One number with what it is; it leads to what it is made of: a page, or a `#place` of this."""
    from holdfast.console.places import address

    with ui.element("a").classes(f"hf-figure hf-edge-{tone}") as made:
        made.props["href"] = address(href)
        ui.label(value).classes("hf-figure-value")
        ui.label(label).classes("hf-figure-label")
        if note:
            ui.label(note).classes("hf-figure-note")
    return made


def facts(rows: Sequence[Fact]) -> ui.element:
    """Names and values beneath each other; a third word is where the value leads to."""
    with ui.element("dl").classes("hf-facts") as made:
        for name, value, *href in rows:
            ui.element("dt")._text = name  # noqa: SLF001  the framework's way to a text
            with ui.element("dd") as place:
                if any(href):
                    link(value, href[0])
                else:
                    place._text = value  # noqa: SLF001
    return made


def prose(text: str) -> ui.element:
    """A sentence; what is to be typed in it, between backticks, is set as such."""
    with ui.element("div") as made:
        for part, is_typed in typed_parts(text):
            said = ui.element("code").classes("hf-typed") if is_typed else ui.element("span")
            said._text = part  # noqa: SLF001
    return made


def typed_parts(text: str) -> list[tuple[str, bool]]:
    """Its parts in order, each with whether it is to be typed."""
    parts = text.split("`")
    # A mark without an end is one like any other.
    whole = parts if len(parts) % 2 else [text]
    return [(part, place % 2 == 1) for place, part in enumerate(whole) if part]


def heading(text: str, level: int = 2, *, place: str = "") -> ui.element:
    """`place`: what figures of its page lead to, as `#place`."""
    made = placed(ui.element(f"h{level}").classes("hf-heading"), place)
    made._text = text  # noqa: SLF001
    return made


def placed(made: ui.element, place: str) -> ui.element:
    if place:
        made.props["id"] = place
    return made


def subject(name: str) -> ui.element:
    """What the page is about: a heading, and its name in the browser's tab."""
    name_tab(name)
    return heading(name).classes("hf-subject")


def name_tab(name: str) -> None:
    """Before the kind of thing that the page shows; again when it is called otherwise."""
    client = ui.context.client
    title = f"{name} · {client.page.resolve_title()}"
    if client.title != title:
        ui.page_title(title)


def card(title: str = "", *, place: str = "") -> ui.element:
    """A panel; use it as a context."""
    made = placed(ui.element("section").classes("hf-card"), place)
    if title:
        with made:
            heading(title)
    return made


def link(text: str, href: str) -> ui.link:
    """`href`: a path of the console, without its root."""
    return ui.link(text, href).classes("hf-link")


def empty(title: str, text: str, *, action: str = "", href: str = "") -> ui.element:
    """Nothing is here yet: what would be, and how it comes to be."""
    with ui.element("section").classes("hf-empty") as made:
        heading(title)
        ui.label(text)
        if action:
            with ui.link(target=href).classes("hf-button hf-button-main"):
                ui.label(action)
    return made


def _rough(passed: timedelta) -> str:
    seconds = int(passed.total_seconds())
    if seconds < _HOUR:
        return _("{minutes} min").format(minutes=seconds // _MINUTE)
    if seconds < 2 * _DAY:
        return _("{hours} h").format(hours=seconds // _HOUR)
    days = seconds // _DAY
    if days < _MANY_DAYS:
        return ngettext("{days} day", "{days} days", days).format(days=days)
    months = round(days / 30.4)
    return ngettext("{months} month", "{months} months", months).format(months=months)
