"""Causes about a server of ours: its database, keys, disk, workers and storage."""

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import Condition, Look, by_fact, moment_text
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict, confirmed, not_applicable, ruled_out, unknown
from holdfast.doctor.server_facts import (
    ServerCertificate,
    ServerDatabase,
    ServerProcess,
    ServerRoom,
    ServerService,
    ServerTime,
    ServerTrash,
    ServerVault,
    ServerWorker,
)

_MIB = 1 << 20
_NOT_STARTED = frozenset(("server.second-server", "server.cannot-listen"))
_AWAY = frozenset(("storage-unreachable", "storage-unavailable", "storage-throttled"))

by_fact("server.database-unreachable", ServerDatabase, lambda one, _: one.state == "unreachable")


def _by_tables(cause: str, state: str) -> None:
    by_fact(
        cause,
        ServerDatabase,
        lambda one, _: None if one.state == "unreachable" else one.state == state,
    )


_by_tables("server.database-newer", "newer")
_by_tables("server.database-older", "older")
by_fact(
    "server.disk-full",
    ServerRoom,
    lambda one, look: one.free < look.params.number("min_free_mib") * _MIB,
    values=lambda one, _: {"free_mib": one.free // _MIB},
)


def _by_unit(cause: str, bad: Condition[ServerService]) -> None:
    by_fact(
        cause, ServerService, lambda one, look: None if one.load == "not-found" else bad(one, look)
    )


_by_unit(
    "server.service-failed", lambda one, _: one.active == "failed" or one.sub == "auto-restart"
)
_by_unit("server.service-stopped", lambda one, _: one.active == "inactive")


@check("server.not-at-work", needs=(ServerProcess,))
def not_at_work(facts: Facts, _: Params) -> Verdict:
    """Only where no unit of the system runs it: of one that does, the unit's state says more."""
    if any(one.load != "not-found" for one in facts.of(ServerService)):
        return not_applicable()
    # A folder in which no server ever began holds no authority.
    is_servers = any(one.role == "authority" for one in facts.of(ServerCertificate))
    (one, *_more) = facts.of(ServerProcess)
    said = confirmed if is_servers and not one.is_running else ruled_out
    return said(one.span, folder=one.folder)


by_fact(
    "server.address-refused",
    ServerProcess,
    lambda one, look: bool(one.trouble) and (True if _did_not_start(look.facts) else None),
)


def _did_not_start(facts: Facts) -> bool:
    """Else the address may be one that nobody wants: what a hand gave last is not known."""
    is_asked = not facts.asked.isdisjoint(_NOT_STARTED)
    return is_asked or any(one.active == "failed" for one in facts.of(ServerService))


@check("server.already-running", needs=(ServerProcess,))
def already_running(facts: Facts, _: Params) -> Verdict:
    """No fault by itself: only to somebody whose second server did not start."""
    for one in facts.of(ServerProcess):
        is_it = one.is_running and not facts.asked.isdisjoint(_NOT_STARTED)
        return (confirmed if is_it else ruled_out)(one.span, folder=one.folder)
    return unknown("own.server")


by_fact(
    "server.keys-missing",
    ServerCertificate,
    lambda one, _: one.state in {"no-key", "unreadable", "other-key"},
)


def _by_end(cause: str, role: str) -> None:
    by_fact(
        cause,
        ServerCertificate,
        lambda one, look: look.sooner(one.expires, days=look.params.number("days")),
        of=lambda one: one.role == role and one.state == "good",
    )


_by_end("server.authority-ending", "authority")
_by_end("server.certificate-ending", "server")


@check("server.worker-dead", needs=(ServerWorker,))
def worker_dead(facts: Facts, params: Params) -> Verdict:
    """Work waits, and nobody who could do it has been heard."""
    look, known = Look(facts, params), facts.of(ServerWorker)
    silent = [one for one in known if look.older(one.seen, seconds=params.number("seconds"))]
    alive = [one for one in known if one not in silent]
    if silent and not alive and silent[-1].pending:
        last = silent[-1]
        values = {"executor": last.executor, "seen": moment_text(last.seen)}
        return confirmed(*(one.span for one in silent), count=last.pending, **values)
    return ruled_out(*(one.span for one in known[:3]))


by_fact(
    "server.quota-reached",
    ServerVault,
    lambda one, look: (
        None if one.quota is None else one.stored >= look.params.number("share") * one.quota
    ),
    values=lambda one, _: {
        "stored_mib": one.stored // _MIB,
        "quota_mib": (one.quota or 0) // _MIB,
    },
)


def _by_storage(cause: str, bad: Condition[ServerVault]) -> None:
    by_fact(cause, ServerVault, bad)


_by_storage("server.storage-away", lambda one, _: one.state in _AWAY)
_by_storage("server.storage-full", lambda one, _: one.state == "storage-full")
_by_storage(
    "server.storage-denied",
    lambda one, _: one.state not in {"good", "storage-full", *_AWAY},
)


@check("server.purge-stuck", needs=(ServerTrash,))
def purge_stuck(facts: Facts, params: Params) -> Verdict:
    look = Look(facts, params)
    for one in facts.of(ServerTrash):
        is_late = one.overdue and look.older(one.oldest, hours=params.number("hours"))
        said = confirmed if is_late else ruled_out
        return said(one.span, count=one.overdue, oldest=moment_text(one.oldest))
    return unknown("own.server.database")


by_fact(
    "server.clock-unsynchronised",
    ServerTime,
    lambda one, _: None if one.synchronised is None else not one.synchronised,
)
