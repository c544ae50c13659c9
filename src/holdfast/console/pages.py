"""How a page comes to be: its visitor is known, its language set, its frame drawn around it."""

import copy
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from nicegui import Client, app, ui
from starlette.responses import RedirectResponse, Response

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _, speaking
from holdfast.console.frame import frame
from holdfast.console.notices import problem
from holdfast.console.places import address, login_for
from holdfast.console.spoken import QUASAR, is_dark
from holdfast.console.visiting import Visit, visit_of

Builder = Callable[..., Awaitable[None]]
# A page waits for the database; more than that is a fault that should be seen.
_SECONDS = 60.0


def page(path: str, *, title: str, section: str = "") -> Callable[[Builder], Builder]:
    """`title` is marked with N_; `section` is the entry of the navigation that is lit."""

    def decorate(build: Builder) -> Builder:
        async def opened(request: Request, **given: Any) -> Response | None:
            visit = await visit_of(request, app.state.plane)
            client = ui.context.client
            if visit is None:
                # Of whom nobody knows, nothing is kept: the framework would for a minute.
                client.delete()
                return RedirectResponse(login_for(_asked(request)), 303)
            with speaking(visit.lang):
                _dress(client, visit, _(title))
                with frame(visit, title=_(title), section=section):
                    await _filled(build, visit, given)
            return None

        opened.__signature__ = _signature(build)  # type: ignore[attr-defined]  # FastAPI reads it
        ui.page(path, response_timeout=_SECONDS)(opened)
        return build

    return decorate


async def _filled(build: Builder, visit: Visit, given: dict[str, Any]) -> None:
    try:
        await build(visit, **given)
    except HoldfastError as err:
        problem(err)


def _dress(client: Client, visit: Visit, title: str) -> None:
    """A page is one for all its visitors; its language and light are each visitor's own."""
    own = copy.copy(client.page)
    own.language = QUASAR[visit.lang]  # type: ignore[assignment]  # one of its literals
    own.dark = is_dark(visit.theme)
    # What a page is about is put before it by `shown.name_tab`.
    own.title = f"{title} · Holdfast"
    client.page = own


def _signature(build: Builder) -> inspect.Signature:
    """The builder's own, with the request in the place of the visit."""
    _visit, *rest = inspect.signature(build).parameters.values()
    request = inspect.Parameter(
        "request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request
    )
    return inspect.Signature([request, *rest])


def _asked(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    path = request.url.path
    return (path if path.startswith(address("/")) else address(path)) + query
