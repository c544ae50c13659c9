"""Sites: folders of registered machines that take replicas in."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from holdfast.app.control import audit
from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.errors import AlreadyThere, NotThere
from holdfast.app.control.machine_names import host_of
from holdfast.app.control.machine_views import is_silent, machine_for
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.registration_errors import MachineNotRegistered
from holdfast.app.control.replaying import id_for, made_before
from holdfast.app.control.replication_ends import end_at_source
from holdfast.app.control.replication_errors import MachineIsSite, SiteInUse, SiteNotUnderstood
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import replications as replication_rows
from holdfast.catalog import sites as site_rows
from holdfast.catalog.database import Session
from holdfast.catalog.sites import Filter, Placed
from holdfast.catalog.tables import Machine, Replica, Site
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.roles import Right
from holdfast.replication.settings import DEFAULT_PORT

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST = 1024
_MOST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    id: str
    name: str
    machine_id: str
    machine: str
    vault_id: str
    folder: str
    # Where hosts that replicate reach it.
    host: str
    port: int
    created_at: datetime
    # "ok", "waiting" for its agent to begin, "trouble", "silent", "unregistered"
    state: str
    # The code of what keeps it from working.
    trouble: str
    replications: int
    replicas: int
    bytes_free: int | None
    bytes_total: int | None
    told_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaView:
    """What lies at a site, whether or not anything is still replicated to it."""

    vm: str
    name: str
    # The id of the machine that may write it.
    source: str
    points: int
    bytes: int
    newest_at: datetime | None
    remarks: list[str]
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSite:
    """`machine_id` as its vault knows it; `address` is HOST, HOST:PORT or empty."""

    name: str
    machine_id: str
    folder: str
    address: str = ""


def add_site(plane: Plane, actor: Actor, new: NewSite) -> SiteView:
    """From its next heartbeat on the machine takes replicas in there."""
    with plane.database.write() as db:
        machine = machine_for(db, actor, new.machine_id, Right.MANAGE_SITES)
        host, port = read_address(new.address)
        name, folder = _good_name(new.name), _good_folder(new.folder)
        same: dict[str, Any] = {"name": name, "machine_id": machine.id, "folder": folder}
        same |= {"host": host, "port": port}
        before = made_before(plane, db, actor, table=Site, same=same, at="created_at")
        if before is not None:
            return _view(plane, db, Placed(before, machine))
        _require_free(db, machine, new.name)
        now = plane.clock.now()
        row = Site(**same, id=id_for(actor), created_at=now, created_by=actor.name, trouble="")
        db.add(row)
        db.flush()
        _note(plane, db, actor, Placed(row, machine), act="site-add")
        return _view(plane, db, Placed(row, machine))


def list_sites(
    plane: Plane,
    actor: Actor,
    window: Window,
    *,
    vault: str | None = None,
    machine: str | None = None,
) -> Page[SiteView]:
    """Sorted by name; of one vault, or of all the caller may look into."""
    parts = window.parts(1)
    with plane.database.read() as db:
        vault_id = any_vault(db, vault).id if vault else None
        if vault_id is not None:
            require(db, actor, Right.READ, vault_id)
        rows = site_rows.by_name(
            db,
            Filter(vault_id=vault_id, machine_id=machine),
            limit=window.one_more,
            vaults=readable_vaults(db, actor) if vault_id is None else None,
            after=parts[0] if parts else None,
        )
        views = _views(plane, db, rows[: window.limit])
    return make_page(
        rows, window, key=lambda one: [one.site.name], view=lambda one: views[one.site.id]
    )


def show_site(plane: Plane, actor: Actor, site: str) -> SiteView:
    with plane.database.read() as db:
        return _view(plane, db, site_for(db, actor, site, Right.READ))


def list_replicas(plane: Plane, actor: Actor, site: str, window: Window) -> Page[ReplicaView]:
    """Sorted by name."""
    parts = window.parts(2)
    with plane.database.read() as db:
        found = site_for(db, actor, site, Right.READ)
        after = (parts[0], parts[1]) if parts else None
        rows = site_rows.replicas(db, found.site.id, limit=window.one_more, after=after)
    return make_page(rows, window, key=lambda row: [row.name, row.vm], view=_replica)


def remove_site(plane: Plane, actor: Actor, site: str, *, force: bool = False) -> None:
    """The folder stays as it is; hosts that replicate there clean up after that."""
    now = plane.clock.now()
    with plane.database.write() as db:
        found = site_for(db, actor, site, Right.MANAGE_SITES)
        row = found.site
        counts = {
            "replicas": site_rows.count_replicas(db, [row.id]).get(row.id, 0),
            "replications": site_rows.count_replications(db, [row.id]).get(row.id, 0),
        }
        if any(counts.values()) and not force:
            raise SiteInUse(site=row.name, **counts)
        _note(plane, db, actor, found, act="site-remove", more={**counts, "force": force})
        for one in replication_rows.all_at_site(db, row.id):
            end_at_source(db, one, row.name, why="disabled", keep_replica=True, now=now)
        db.delete(row)


def site_for(db: Session, actor: Actor, site: str, right: Right) -> Placed:
    """The site of that id or name, if the caller has the right on its machine's vault."""
    found = site_rows.named(db, site)
    if found is None:
        # An administrator is told that it is not there; for all others it could be.
        require(db, actor, right, None)
        raise NotThere(what=_("site"), name=site)
    require(db, actor, right, found.machine.vault_id)
    return found


def address_of(found: Placed) -> tuple[str, int]:
    """Where hosts that replicate reach it."""
    return found.site.host or host_of(found.machine), found.site.port


def read_address(address: str) -> tuple[str, int]:
    """HOST, HOST:PORT, [IPV6]:PORT, or nothing for what the machine calls itself."""
    if not address:
        return "", DEFAULT_PORT
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname or "", DEFAULT_PORT if parts.port is None else parts.port
    except ValueError as err:
        raise SiteNotUnderstood(what=ascii(address[:_LONGEST]), reason=err) from err
    is_plain = parts.netloc == address and parts.username is None and address.isprintable()
    if not is_plain or not host or " " in address or not 0 < port <= _MOST_PORT:
        what = ascii(address[:_LONGEST])
        raise SiteNotUnderstood(what=what, reason=_("HOST or HOST:PORT is wanted"))
    return host, port


def _good_name(name: str) -> str:
    """It is the name of a folder on every host that replicates there."""
    if not _NAME.fullmatch(name):
        reason = _("letters, digits and . _ - are fine, 64 at most, a letter or digit first")
        raise SiteNotUnderstood(what=ascii(name[:_LONGEST]), reason=reason)
    return name


def _good_folder(folder: str) -> str:
    is_whole = folder.startswith("/") and folder.isprintable() and len(folder) <= _LONGEST
    if not is_whole or os.path.normpath(folder) in ("/", "//"):
        reason = _("the whole path of a folder is wanted, and not that of all")
        raise SiteNotUnderstood(what=ascii(folder[:_LONGEST]), reason=reason)
    return os.path.normpath(folder)


def _require_free(db: Session, machine: Machine, name: str) -> None:
    if machine.state != "active":
        raise MachineNotRegistered(machine=machine.id, state=machine.state)
    other = site_rows.of_machine(db, machine.id)
    if other is not None:
        raise MachineIsSite(machine=machine.name, site=other.name, folder=other.folder)
    if site_rows.is_name_taken(db, name):
        raise AlreadyThere(what=_("site"), name=name)


def _note(
    plane: Plane,
    db: Session,
    actor: Actor,
    found: Placed,
    *,
    act: str,
    more: dict[str, Any] | None = None,
) -> None:
    row, machine = found
    told = {"machine": machine.id, "folder": row.folder, "host": row.host, "port": row.port}
    detail = {**told, **(more or {})}
    audit.note(db, plane, actor, act=act, vault_id=machine.vault_id, object=row.name, detail=detail)


def _view(plane: Plane, db: Session, found: Placed) -> SiteView:
    return _views(plane, db, [found])[found.site.id]


def _views(plane: Plane, db: Session, found: Collection[Placed]) -> dict[str, SiteView]:
    ids, now = [one.site.id for one in found], plane.clock.now()
    replicas = site_rows.count_replicas(db, ids)
    replications = site_rows.count_replications(db, ids)
    return {
        one.site.id: _site(one, now, replicas.get(one.site.id, 0), replications.get(one.site.id, 0))
        for one in found
    }


def _site(found: Placed, now: datetime, replicas: int, replications: int) -> SiteView:
    row, machine = found
    host, port = address_of(found)
    return SiteView(
        id=row.id,
        name=row.name,
        machine_id=machine.id,
        machine=machine.name,
        vault_id=machine.vault_id,
        folder=row.folder,
        host=host,
        port=port,
        created_at=row.created_at,
        state=_state(found, now),
        trouble=row.trouble,
        replications=replications,
        replicas=replicas,
        bytes_free=row.bytes_free,
        bytes_total=row.bytes_total,
        told_at=row.told_at,
    )


def _state(found: Placed, now: datetime) -> str:
    row, machine = found
    if machine.state != "active":
        return "unregistered"
    if row.told_at is None:
        return "waiting"
    if is_silent(machine, now):
        return "silent"
    return "trouble" if row.trouble else "ok"


def _replica(row: Replica) -> ReplicaView:
    facts = row.facts
    newest = facts.get("newest_at")
    return ReplicaView(
        vm=row.vm,
        name=row.name,
        source=str(facts.get("source", "")),
        points=int(facts.get("points", 0)),
        bytes=int(facts.get("bytes", 0)),
        newest_at=datetime.fromisoformat(newest) if newest else None,
        remarks=list(facts.get("remarks", ())),
        told_at=row.told_at,
    )
