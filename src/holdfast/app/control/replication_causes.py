"""Which of many replications that are not well suffer from one and the same.

A site that is broken is one trouble, whatever the number of machines replicated there; so is a
host that is silent, or out of room. What merely follows from such a trouble is not told beside it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control.machine_views import is_silent
from holdfast.app.control.replication_judging import HOST_SILENT, NOT_AT_HOST, read_status
from holdfast.catalog.replications import Replicated
from holdfast.replication.status import Health, Reason, State

# A first copy takes its time, and says so: no alert before it has taken very long.
FIRST_COPY = timedelta(days=1)
SITE_SILENT = "site-silent"
# What is found with the way to a site or with the site, by the beginning of its code; these few
# are about one machine alone.
_OF_SITE, _NOT_OF_SITE = ("site-",), frozenset({"site-not-granted"})
_OF_HOST = ("source-", "link-", "spool-", "nobody-", "status-of-future", HOST_SILENT)
# Each of these says only that something else keeps it.
_FOLLOWS = frozenset(
    {
        *("rpo-high", "no-point", "no-success", "cycles-missed", "rpo-not-achievable"),
        *("failing", "not-retried", "upload-slow", "no-app-point", "app-point-overdue"),
    }
)
_RANK = {Health.NORMAL: 0, Health.WARNING: 1, Health.CRITICAL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One trouble, and all the replications that have it."""

    # The same for as long as it is the same trouble: "site:ID", "host:ID:CODE", "vm:ID".
    root: str
    vault_id: str
    machine_id: str | None
    health: Health
    reason: Reason
    members: tuple[Replicated, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ill:
    """One replication that is not well, with the reason that counts."""

    found: Replicated
    root: str
    reason: Reason
    health: Health
    follows: bool


def causes_of(rows: Iterable[Replicated], now: datetime) -> list[Cause]:
    """Each once, sorted by root."""
    ill = [one for row in rows if (one := _ill(row, now)) is not None]
    sites = {(one.found.machine.vault_id, one.root) for one in ill if one.root.startswith("site:")}
    of: dict[tuple[str, str], list[_Ill]] = {}
    for one in ill:
        site = (one.found.machine.vault_id, f"site:{one.found.site.id}")
        # Beside a broken site, what may follow from it does.
        key = site if one.follows and site in sites else (one.found.machine.vault_id, one.root)
        of.setdefault(key, []).append(one)
    return [_cause(vault, root, some) for (vault, root), some in sorted(of.items())]


def _cause(vault_id: str, root: str, ill: Sequence[_Ill]) -> Cause:
    # The reason is one of its own, not one that only follows; of those the gravest.
    own = [one for one in ill if one.root == root]
    shown = max(own, key=lambda one: _RANK[one.health])
    hosts = {one.found.machine.id for one in ill}
    members = sorted((one.found for one in ill), key=lambda found: (found.row.name, found.row.id))
    return Cause(
        root=root,
        vault_id=vault_id,
        machine_id=hosts.pop() if len(hosts) == 1 and not root.startswith("site:") else None,
        health=max((one.health for one in ill), key=_RANK.__getitem__),
        reason=shown.reason,
        members=tuple(members),
    )


def _ill(found: Replicated, now: datetime) -> _Ill | None:
    row = found.row
    health = Health(row.health)
    if row.state == State.HOST_NOT_REGISTERED:
        since = row.missing_since or row.state_since
        reason = Reason(code="host-not-registered", health=Health.CRITICAL, since=since)
        return _made(found, f"vm:{row.id}", reason, health=Health.CRITICAL)
    if health is Health.NORMAL:
        return None
    reasons = _reasons(found, now)
    if not reasons:
        return None
    health = max((one.health for one in reasons), key=_RANK.__getitem__)
    for prefixes, root in ((_OF_HOST, "host"), (_OF_SITE, "site")):
        for one in reasons:
            code = _code(found, one)
            if code.startswith(prefixes) and code not in _NOT_OF_SITE:
                whose = (
                    f"site:{found.site.id}" if root == "site" else f"host:{row.machine_id}:{code}"
                )
                return _made(found, whose, one, health=health)
    if is_silent(found.keeper, now) and all(one.code in _FOLLOWS for one in reasons):
        since = found.keeper.last_seen_at or row.health_since
        silent = Reason(code=SITE_SILENT, health=health, since=since)
        return _made(found, f"site:{found.site.id}", silent, health=health)
    worst = max(reasons, key=lambda one: (_RANK[one.health], one.code not in _FOLLOWS))
    follows = all(one.code in _FOLLOWS for one in reasons)
    return _made(found, f"vm:{row.id}", worst, health=health, follows=follows)


def _made(
    found: Replicated, root: str, reason: Reason, *, health: Health, follows: bool = False
) -> _Ill:
    return _Ill(found=found, root=root, reason=reason, health=health, follows=follows)


def _code(found: Replicated, reason: Reason) -> str:
    """What is behind it: of failures, that with which they fail."""
    if reason.code in ("failing", "not-retried"):
        return str((found.row.status or {}).get("error_code") or reason.code)
    return reason.code


def _reasons(found: Replicated, now: datetime) -> list[Reason]:
    status = read_status(found.row.status)
    if status is None:
        return []
    is_fresh = now - found.row.created_at < FIRST_COPY
    return [
        one
        for one in status.reasons
        if not (is_fresh and one.code == "initial-copy-unfinished")
        # Of old alerts; what is there in its place says more.
        and (one.code != NOT_AT_HOST or found.row.state == State.OFF)
    ]
