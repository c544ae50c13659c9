"""What surrounds each page: its title, the way to all others, language, light, the way out."""

import contextlib
from collections.abc import Iterator
from urllib.parse import quote

from nicegui import ui

from holdfast.base.texts import _
from holdfast.console.navigation import NAVIGATION, Section
from holdfast.console.places import LOGOUT, LOOK, ROOT, THEMES, address
from holdfast.console.spoken import NAMES
from holdfast.console.visiting import Visit

_LIGHTS = {"auto": "brightness_auto", "light": "light_mode", "dark": "dark_mode"}


@contextlib.contextmanager
def frame(visit: Visit, *, title: str, section: str) -> Iterator[None]:
    ui.context.client.layout.props["view"] = "hHh Lpr lff"
    ui.add_head_html(
        f'<link rel="stylesheet" href="{ROOT}/holdfast/console.css">'
        f'<link rel="icon" href="{ROOT}/holdfast/mark.svg">'
    )
    _header(visit, _drawer(section))
    with ui.element("main").classes("hf-main") as main:
        ui.element("h1").classes("hf-title").props("id=hf-title")._text = title  # noqa: SLF001
        yield
    ui.skip_link(_("Skip to the content"), target=main)


def _header(visit: Visit, drawer: ui.element) -> None:
    with ui.header().classes("hf-header"):
        with ui.button(icon="menu", on_click=lambda: drawer.run_method("toggle")).props(
            "flat dense"
        ) as menu:
            menu.props(f'aria-label="{_("Navigation")}"')
        with ui.element("a").classes("hf-brand").props(f'href="{address("/")}"'):
            ui.element("img").props(f'src="{ROOT}/holdfast/mark.svg" alt="" width=24 height=24')
            ui.label("Holdfast")
        ui.space()
        _languages(visit)
        _light(visit)
        _account(visit)


def _languages(visit: Visit) -> None:
    other = "ko" if visit.lang == "en" else "en"
    link = (
        ui.element("a")
        .classes("hf-header-link")
        .props(f'lang={other} href="{_look(visit, language=other)}"')
    )
    with link:
        ui.label(NAMES[other])


def _light(visit: Visit) -> None:
    following = THEMES[(THEMES.index(visit.theme) + 1) % len(THEMES)]
    said = {"auto": _("Light as your system has it"), "light": _("Light"), "dark": _("Dark")}
    link = (
        ui.element("a").classes("hf-header-link").props(f'href="{_look(visit, theme=following)}"')
    )
    link.props(f'aria-label="{_("Appearance")}: {said[visit.theme]}"')
    with link:
        ui.icon(_LIGHTS[visit.theme]).props("aria-hidden=true")
        ui.tooltip(f"{_('Appearance')}: {said[visit.theme]}")


def _account(visit: Visit) -> None:
    link = ui.element("a").classes("hf-header-link hf-account")
    link.props["href"] = address("/account")
    link.props["aria-label"] = _("Your account, {name}").format(name=visit.me.name)
    with link:
        ui.icon("person").props("aria-hidden=true")
        ui.label(visit.me.name)
    form = ui.element("form").props(f'method=post action="{LOGOUT}"').classes("hf-inline")
    with form, ui.element("button").classes("hf-header-link") as button:
        button.props(f'type=submit aria-label="{_("Log out")}"')
        ui.icon("logout").props("aria-hidden=true")
        ui.tooltip(_("Log out"))


def _look(visit: Visit, **wanted: str) -> str:
    chosen = "&".join(f"{name}={value}" for name, value in wanted.items())
    return f"{LOOK}?{chosen}&next={quote(visit.place, safe='')}"


def _drawer(section: str) -> ui.element:
    """Beside the page where there is room, over it where there is none."""
    # The framework's own drawer asks each browser whether it is open, and complains when the
    # page is gone before the answer comes; nobody here wants to know.
    client = ui.context.client
    with client.layout:
        drawer = ui.element("q-drawer").classes("hf-drawer")
    drawer.props("side=left width=232 breakpoint=900 show-if-above")
    drawer.move(target_index=client.layout.default_slot.children.index(client.page_container))
    with drawer, ui.element("nav").props(f'aria-label="{_("Navigation")}"'):
        for group in NAVIGATION:
            if group.label:
                ui.label(_(group.label)).classes("hf-nav-group")
            with ui.element("ul").classes("hf-nav"):
                for one in group.sections:
                    _entry(one, is_current=one.key == section)
    return drawer


def _entry(one: Section, *, is_current: bool) -> None:
    with ui.element("li"):
        link = ui.element("a").props(f'href="{address(one.path)}"')
        if is_current:
            link.props('aria-current="page"')
        with link:
            ui.icon(one.icon).props("aria-hidden=true")
            ui.label(_(one.label))
