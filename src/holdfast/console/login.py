"""Coming in and going out: plain forms, which need no script and no framework."""

import asyncio
import re
from html import escape
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from holdfast.app.control.identifying import person_of
from holdfast.app.control.plane import Plane
from holdfast.app.control.sessions import NewSession, log_in, log_out
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import LANGUAGES, _, speaking
from holdfast.console.places import (
    LANGUAGE_COOKIE,
    LOGIN,
    LOGOUT,
    LOOK,
    ROOT,
    SESSION_COOKIE,
    THEME_COOKIE,
    THEMES,
    inner,
)
from holdfast.console.spoken import NAMES, language_for, theme_for
from holdfast.server.callers import Address, ThePlane

router = APIRouter(include_in_schema=False)

_YEAR = 365 * 24 * 3600
_SEE_OTHER = 303
_UNAUTHORIZED = 401


@router.get("/")
async def begin() -> Response:
    return RedirectResponse(ROOT + "/", _SEE_OTHER)


@router.get(LOGIN)
async def show(request: Request, next: str = "") -> Response:  # noqa: A002  a word of addresses
    with speaking(language_for(request)):
        return HTMLResponse(_page(request, wanted=inner(next)), headers=_NEVER_KEPT)


@router.post(LOGIN)
async def enter(
    request: Request,
    plane: ThePlane,
    address: Address,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",  # noqa: A002  a word of addresses
) -> Response:
    wanted = inner(next)
    with speaking(language_for(request)):
        try:
            session = await asyncio.to_thread(log_in, plane, name, password, address=address)
            if former := request.cookies.get(SESSION_COOKIE):
                # Nothing of this browser could end it any more.
                await asyncio.to_thread(_end, plane, former, address)
        except HoldfastError as err:
            page = _page(request, wanted=wanted, name=name, trouble=err)
            return HTMLResponse(page, _UNAUTHORIZED, headers=_NEVER_KEPT)
    answer = RedirectResponse(wanted, _SEE_OTHER)
    _keep(answer, plane, session)
    return answer


@router.post(LOGOUT)
async def leave(request: Request, plane: ThePlane, address: Address) -> Response:
    secret = request.cookies.get(SESSION_COOKIE)
    if secret:
        await asyncio.to_thread(_end, plane, secret, address)
    answer = RedirectResponse(LOGIN, _SEE_OTHER)
    answer.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


@router.get(LOOK)
async def look(
    language: str = "",
    theme: str = "",
    next: str = "",  # noqa: A002  a word of addresses
) -> Response:
    """Another language or light, kept in this browser."""
    answer = RedirectResponse(inner(next), _SEE_OTHER)
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR, secure=True, samesite="lax")
    if theme in THEMES:
        answer.set_cookie(THEME_COOKIE, theme, max_age=_YEAR, secure=True, samesite="lax")
    return answer


def _end(plane: Plane, secret: str, address: str) -> None:
    try:
        actor = person_of(plane, secret, address=address)
    except HoldfastError:
        return  # it had ended by itself
    log_out(plane, actor, secret)


def _keep(answer: Response, plane: Plane, session: NewSession) -> None:
    left = (session.expires_at - plane.clock.now()).total_seconds()
    answer.set_cookie(
        SESSION_COOKIE,
        session.token,
        max_age=int(left),
        path="/",
        secure=True,
        httponly=True,
        # Links from mails and chats come in with it; forms and scripts of other origins do not.
        samesite="lax",
    )


_NEVER_KEPT = {"cache-control": "no-store"}
_PAGE = """<!doctype html>
<html lang="{language}" class="hf-{theme}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Holdfast</title>
<link rel="stylesheet" href="{root}/holdfast/console.css">
<link rel="icon" href="{root}/holdfast/mark.svg">
</head>
<body class="hf-login">
<main>
<img src="{root}/holdfast/mark.svg" alt="" width="44" height="44">
<h1>{title}</h1>
{trouble}
<form method="post" action="{action}">
<input type="hidden" name="next" value="{wanted}">
<label>{name_label}<input name="name" value="{name}" autocomplete="username" required autofocus></label>
<label>{password_label}<input name="password" type="password" autocomplete="current-password" required></label>
<button class="hf-button hf-button-main">{enter}</button>
</form>
<p class="hf-muted">{help}</p>
<nav aria-label="{languages_label}">{languages}</nav>
</main>
</body>
</html>
"""


def _page(
    request: Request, *, wanted: str, name: str = "", trouble: HoldfastError | None = None
) -> str:
    language = language_for(request)
    return _PAGE.format(
        language=language,
        theme=theme_for(request),
        root=ROOT,
        action=LOGIN,
        title=escape(_("Log in")),
        trouble=_trouble(trouble),
        wanted=escape(wanted),
        name=escape(name),
        name_label=escape(_("Account")),
        password_label=escape(_("Password")),
        enter=escape(_("Log in")),
        help=_typed(
            _(
                "The first start of the server showed the password of the account `admin`. "
                "An administrator sets a new one with `holdfast server account password NAME`."
            )
        ),
        languages_label=escape(_("Language")),
        languages=" · ".join(_language(one, language, wanted) for one in LANGUAGES),
    )


def _typed(text: str) -> str:
    """As `shown.prose` has it on the pages inside."""
    return re.sub("`([^`]+)`", r'<code class="hf-typed">\1</code>', escape(text))


def _language(one: str, current: str, wanted: str) -> str:
    if one == current:
        return f'<strong lang="{one}">{NAMES[one]}</strong>'
    back = escape(f"{LOOK}?language={one}&next={LOGIN}%3Fnext%3D{wanted}")
    return f'<a lang="{one}" href="{back}">{NAMES[one]}</a>'


def _trouble(err: HoldfastError | None) -> str:
    if err is None:
        return ""
    said = f"<strong>{escape(str(err))}</strong><br>{escape(err.advice)}"
    return f'<p class="hf-notice hf-bad" role="alert">{said}</p>'
