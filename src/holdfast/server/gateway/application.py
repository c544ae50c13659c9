"""The gateway as an ASGI application: who may, what is meant, and where it is done.

Mounted at /gateway; below it /VAULT/MACHINE is the root of a repository of the restic REST
protocol, version 1 and 2.
"""

import asyncio
from collections.abc import Awaitable, Callable

from holdfast.app.control import gateway as rules
from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.plane import Plane
from holdfast.base.errors import HoldfastError
from holdfast.server.gateway import downloads, uploads
from holdfast.server.gateway.desk import Desk, Visit
from holdfast.server.gateway.exchange import Exchange, Receive, Scope, Send
from holdfast.server.gateway.names import Target, parse_target
from holdfast.storage.rest_errors import RequestNotUnderstood

_READING = ("GET", "HEAD")
_Act = Callable[[Desk, Exchange, Visit, Target], Awaitable[None]]


class Gateway:
    def __init__(self, plane: Plane) -> None:
        self.desk = Desk(plane)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        try:
            await self._serve(exchange)
        except HoldfastError as err:
            if exchange.has_begun:
                # Half an answer must not look whole: the connection breaks.
                raise
            await exchange.refuse(_at_this_door(err, exchange))

    async def _serve(self, exchange: Exchange) -> None:
        target = parse_target(exchange.path)
        if target is None:
            raise _not_understood(exchange, "the path names no file of a repository")
        act = _act_for(exchange, target)
        visit = await asyncio.get_running_loop().run_in_executor(
            self.desk.threads,
            self.desk.admit,
            exchange.caller(),
            target.vault_id,
            target.machine_id,
        )
        if exchange.method not in _READING and not visit.admission.may_write:
            raise NotAllowed(
                actor=str(visit.admission.actor), right="write", object=target.machine_id
            )
        await act(self.desk, exchange, visit, target)


def _act_for(exchange: Exchange, target: Target) -> _Act:
    match exchange.method:
        case "POST" if target.folder is None and "create=true" in exchange.query.split("&"):
            return _create
        case "POST" if target.is_file:
            return uploads.receive
        case "GET" if target.is_file:
            return downloads.send_file
        case "HEAD" if target.is_file:
            return downloads.send_head
        case "GET" | "HEAD" if target.folder is not None:
            return downloads.send_list
        case "DELETE" if target.is_file:
            return _delete
        case _:
            raise _not_understood(exchange, f"{exchange.method} is not possible there")


async def _create(_desk: Desk, exchange: Exchange, _visit: Visit, _target: Target) -> None:
    """Nothing to do: folders are made with the first file in them."""
    await exchange.answer(200)


async def _delete(desk: Desk, exchange: Exchange, visit: Visit, target: Target) -> None:
    def delete() -> None:
        freed = rules.delete_file(desk.plane, visit.storage, target.name, admission=visit.admission)
        if freed:
            repository = visit.admission.repository
            desk.usage.add(repository.machine_id, size=-freed, files=-1)

    await asyncio.get_running_loop().run_in_executor(desk.threads, delete)
    await exchange.answer(200)


def _not_understood(exchange: Exchange, reason: str) -> RequestNotUnderstood:
    return RequestNotUnderstood(place=exchange.path, reason=reason)


def _at_this_door(error: HoldfastError, exchange: Exchange) -> HoldfastError:
    """The same, without where the vault really lies: that is none of a machine's business."""
    if "place" not in error.fields:
        return error
    return type(error)(**{**error.fields, "place": f"/gateway{exchange.path}"})
