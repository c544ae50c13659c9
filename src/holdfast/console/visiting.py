"""Somebody looking at a page: who it is, what they may do, and in which language they are told."""

import asyncio
import inspect
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from nicegui import ui
from nicegui.helpers import expects_arguments
from starlette.requests import Request

from holdfast.app.control.errors import NotLoggedIn
from holdfast.app.control.identifying import person_of
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.sessions import Me, who_am_i
from holdfast.app.control.stepping_up import count_attempt
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import speaking
from holdfast.console.notices import tell, tell_unexpected
from holdfast.console.places import SESSION_COOKIE, below, login_for
from holdfast.console.spoken import language_for, theme_for
from holdfast.fleet.roles import Right, Role, rights_of

_log = logging.getLogger(__name__)
_NUMBER_BYTES = 4
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One open page. Every act looks at the session again: who was thrown out is out at once."""

    plane: Plane
    secret: str
    address: str
    # Of the page, with its query, as the browser knows it.
    place: str
    actor: Actor
    me: Me
    lang: str
    theme: str
    # Typed in for a dangerous act; see `asking.with_pin`.
    pin: str | None = None
    approval: str | None = None
    _door: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False, compare=False)

    async def ask(
        self, work: Callable[Concatenate[Plane, Actor, P], T], /, *given: P.args, **more: P.kwargs
    ) -> T:
        """What the use case answers; it works in a thread, in the visitor's language."""

        def run() -> T:
            actor = caller(self.plane, self.secret, self.address, pin=self.pin)
            return work(self.plane, replace(actor, approval=self.approval), *given, **more)

        with speaking(self.lang):
            return await asyncio.to_thread(run)

    def doing(self, handler: Callable[..., Any]) -> Callable[..., Awaitable[None]]:
        """For every event: in the visitor's language, and what goes wrong is told on the page.

        The session is looked at first: much of a page is worked on without asking for anything.
        """
        return self._guarded(handler, first=self._look)

    def _guarded(
        self, handler: Callable[..., Any], *, first: Callable[[], Awaitable[None]] | None = None
    ) -> Callable[..., Awaitable[None]]:
        async def run(*event: Any) -> None:
            with speaking(self.lang):
                try:
                    if first is not None:
                        await first()
                    done = handler(*event)
                    if inspect.isawaitable(done):
                        await done
                except NotLoggedIn:
                    ui.navigate.to(below(login_for(self.place)))
                except HoldfastError as err:
                    tell(err)
                except Exception:
                    number = secrets.token_hex(_NUMBER_BYTES)
                    _log.exception("the console failed at %s (%s)", self.place, number)
                    tell_unexpected(number)

        async def with_event(event: Any) -> None:
            await run(event)

        async def without() -> None:
            await run()

        return with_event if expects_arguments(handler) else without

    def every(self, seconds: float, handler: Callable[[], Any]) -> ui.timer:
        """Again and again while the page is open; a turn that takes long delays the next.

        It is for asking what is new, and who asks is looked at then.
        """
        return ui.timer(seconds, self._guarded(told_once(handler)), immediate=False)

    async def _look(self) -> None:
        """Raise unless the session stands; of two events the first is let through first."""
        async with self._door:
            await asyncio.to_thread(caller, self.plane, self.secret, self.address)

    def may(self, right: Right, vault_id: str | None = None) -> bool:
        """Whether the role allows it; the use case asks again. None: on the server as a whole."""
        role = next((Role(one.role) for one in self.me.roles if one.vault_id == vault_id), None)
        allowed = rights_of(role, is_admin=self.me.is_admin, scopes=self.actor.scopes)
        return right in allowed

    def may_anywhere(self, right: Right) -> bool:
        vaults: list[str | None] = [None, *(one.vault_id for one in self.me.roles)]
        return any(self.may(right, one) for one in vaults)

    def armed(self, *, pin: str | None = None, approval: str | None = None) -> "Visit":
        """The same visit with what a dangerous act asks for."""
        return replace(self, pin=pin, approval=approval)


def told_once(handler: Callable[[], Any]) -> Callable[[], Coroutine[Any, Any, None]]:
    """For what is done over and over: a trouble that stays is not raised at each turn.

    A machine that was deleted while its page is open would fill that page with the news.
    """
    told: list[type[Exception]] = []

    async def turn() -> None:
        try:
            done = handler()
            if inspect.isawaitable(done):
                await done
        except NotLoggedIn:
            raise
        except Exception as err:
            if told == [type(err)]:
                return
            told[:] = [type(err)]
            raise
        told.clear()

    return turn


def caller(plane: Plane, secret: str, address: str, *, pin: str | None = None) -> Actor:
    actor = person_of(plane, secret, address=address, pin=pin)
    if pin is not None:
        count_attempt(plane, actor.id, pin)
    return actor


async def visit_of(request: Request, plane: Plane) -> Visit | None:
    """The visit behind a request for a page; None: nobody is logged in."""
    secret = request.cookies.get(SESSION_COOKIE)
    address = request.client.host if request.client else ""
    if not secret:
        return None

    def look() -> tuple[Actor, Me]:
        actor = caller(plane, secret, address)
        return actor, who_am_i(plane, actor)

    try:
        actor, me = await asyncio.to_thread(look)
    except NotLoggedIn:
        return None
    return Visit(
        plane=plane,
        secret=secret,
        address=address,
        place=_place(request),
        actor=actor,
        me=me,
        lang=language_for(request, me.lang),
        theme=theme_for(request),
    )


def _place(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}"
