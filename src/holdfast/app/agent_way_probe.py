"""The way to the server as the agent takes it: its proxy, its authority, its certificate."""

import contextlib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import urllib3

from holdfast.app.agent_folder import AgentFolder, read_if_there
from holdfast.app.agent_link import PREFIX, problem_of
from holdfast.app.registering_errors import (
    AuthorityDiffers,
    ClockSkewed,
    NoServerThere,
    NothingAnswers,
    ProxyForbids,
    ProxyNotReached,
    ProxyRefused,
    ServerNameUnknown,
)
from holdfast.app.registering_network import Way, walk
from holdfast.app.registration_state import Registration, read_registration
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.storage.rest import proxy_login

Line = dict[str, object]
_STAGES: dict[type[HoldfastError], str] = {
    ServerNameUnknown: "dns",
    NothingAnswers: "tcp",
    ProxyNotReached: "tcp-proxy",
    ProxyRefused: "proxy",
    ProxyForbids: "proxy",
    AuthorityDiffers: "tls",
    NoServerThere: "http",
}
_SECONDS = 4.0
_PATIENCE = urllib3.Timeout(connect=_SECONDS, read=_SECONDS)


def tell_way(session: Session) -> Iterator[Line]:
    folder = AgentFolder.of(session.settings.home)
    content, ca = read_if_there(folder.registration), read_if_there(folder.ca)
    if content is None or ca is None:
        return
    with contextlib.suppress(HoldfastError):
        mine = read_registration(content, folder.registration)
        trusted = ca.decode(errors="replace")
        way = Way(server=mine.server, ca=trusted, proxy=mine.proxy, patience=_SECONDS)
        yield from _walked(way, folder, mine, session)


def _walked(way: Way, folder: AgentFolder, mine: Registration, session: Session) -> Iterator[Line]:
    line: Line = {"holdfast": "agent-reach", "target": way.server}
    if way.proxy is not None:
        line["proxy"] = way.shown_proxy
    failure: HoldfastError | None = None
    try:
        walk(way, session.clock, say=lambda _: None)
    except ClockSkewed:
        pass  # every stage was reached; how far it is off is told below
    except HoldfastError as err:
        failure = err
    order = ["dns", *(["tcp-proxy", "proxy"] if way.proxy else ["tcp"]), "tls", "http"]
    failed = _STAGES.get(type(failure), "http") if failure else None
    # A server whose connection breaks within TLS is as far away as one that refuses it.
    failed = "tls" if failed == "tcp" and way.proxy else failed
    for stage in order:
        if stage == failed and failure is not None:
            yield {**line, "stage": stage, "reached": False, **_said(failure)}
            return
        yield {**line, "stage": stage, "reached": True}
    yield from _shown(line, folder, mine, session)


def _said(failure: HoldfastError) -> Line:
    schemes = str(failure.fields.get("schemes", ""))
    seen = failure.fields.get("reason") or failure.fields.get("schemes") or failure.code
    return {"error": failure.code, "seen": str(seen), "schemes": schemes}


def _shown(line: Line, folder: AgentFolder, mine: Registration, session: Session) -> Iterator[Line]:
    """Ask for something that only a registered machine is given."""
    auth = {**line, "stage": "auth"}
    try:
        answer = _ask(folder, mine)
    except (urllib3.exceptions.HTTPError, OSError) as err:
        yield {**auth, "reached": False, "error": "server-fault", "seen": str(err)}
        return
    seen = f"HTTP {answer.status}"
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        ill = {"reached": False, "error": "server-fault", "seen": seen}
        yield {**line, "stage": "http", **ill}
    elif answer.status >= HTTPStatus.BAD_REQUEST:
        problem = problem_of(answer.data, status=answer.status)
        yield {**auth, "reached": False, "error": problem.code, "seen": f"{seen}: {problem}"}
    else:
        yield {**auth, "reached": True, "seen": seen}
    if (ahead := _ahead(answer.headers.get("Date"), session)) is not None:
        yield {"holdfast": "agent-clock", "ahead_seconds": ahead}


def _ask(folder: AgentFolder, mine: Registration) -> urllib3.BaseHTTPResponse:
    context = ssl.create_default_context(cafile=folder.ca)
    context.load_cert_chain(folder.certificate, folder.key)
    pool: urllib3.PoolManager = (
        urllib3.ProxyManager(mine.proxy, ssl_context=context, proxy_headers=proxy_login(mine.proxy))
        if mine.proxy
        else urllib3.PoolManager(ssl_context=context)
    )
    with pool:
        return pool.request(
            "GET",
            f"{mine.server}{PREFIX}/agent/assignments",
            timeout=_PATIENCE,
            retries=False,
            redirect=False,
        )


def _ahead(date: str | None, session: Session) -> float | None:
    if not date:
        return None
    try:
        told: datetime = parsedate_to_datetime(date)
    except ValueError:
        return None
    ahead = session.clock.now() - told.astimezone(UTC) if told.tzinfo else None
    return None if ahead is None else round(ahead.total_seconds(), 1)
