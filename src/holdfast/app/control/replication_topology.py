"""Which hosts replicate to which: sites and the ways between them, put together for a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.machine_views import is_silent
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.vault_rows import any_vault
from holdfast.catalog import replications as replication_rows
from holdfast.catalog import sites as site_rows
from holdfast.catalog.replications import Way
from holdfast.catalog.sites import Placed
from holdfast.catalog.tables import Machine
from holdfast.fleet.roles import Right


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNode:
    """A host that replicates, or takes replicas in, or both."""

    machine_id: str
    machine: str
    vault_id: str
    is_heard: bool
    # The site on it; empty: none.
    site: str
    site_id: str
    # The code of what keeps the site from working.
    trouble: str
    bytes_free: int | None
    bytes_total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WayView:
    """All that one host replicates to one site."""

    source: str
    # The machine of the site.
    target: str
    site: str
    normal: int
    warning: int
    critical: int
    # The one that is furthest behind; none: none of them has a point.
    worst_rpo_seconds: float | None

    @property
    def count(self) -> int:
        return self.normal + self.warning + self.critical


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    hosts: list[HostNode]
    ways: list[WayView]


def show_topology(plane: Plane, actor: Actor, *, vault: str | None = None) -> Topology:
    """Of one vault, or of all the caller may look into; hosts sorted by name."""
    now = plane.clock.now()
    with plane.database.read() as db:
        vault_id = any_vault(db, vault).id if vault else None
        if vault_id is not None:
            require(db, actor, Right.READ, vault_id)
        vaults = readable_vaults(db, actor) if vault_id is None else frozenset((vault_id,))
        ways = replication_rows.ways(db, vaults=vaults)
        sites = site_rows.all_of(db, vaults=vaults, also={one.site_id for one in ways})
        machines = replication_rows.machines(db, {one.machine_id for one in ways})
    by_id = {one.id: one for one in (*machines, *(one.machine for one in sites))}
    hosts = [_node(one, sites, now) for one in by_id.values()]
    return Topology(
        hosts=sorted(hosts, key=lambda one: (one.machine, one.machine_id)),
        ways=_ways(ways, sites, now),
    )


def _node(machine: Machine, sites: Sequence[Placed], now: datetime) -> HostNode:
    site = next((one.site for one in sites if one.machine.id == machine.id), None)
    return HostNode(
        machine_id=machine.id,
        machine=machine.name,
        vault_id=machine.vault_id,
        is_heard=machine.state == "active" and not is_silent(machine, now),
        site=site.name if site else "",
        site_id=site.id if site else "",
        trouble=site.trouble if site else "",
        bytes_free=site.bytes_free if site else None,
        bytes_total=site.bytes_total if site else None,
    )


def _ways(rows: Sequence[Way], sites: Sequence[Placed], now: datetime) -> list[WayView]:
    placed = {one.site.id: one for one in sites}
    found: dict[tuple[str, str], list[Way]] = {}
    for row in rows:
        found.setdefault((row.machine_id, row.site_id), []).append(row)
    return [
        _way(source, placed[site_id], some, now)
        for (source, site_id), some in sorted(found.items())
        if site_id in placed
    ]


def _way(source: str, placed: Placed, rows: Sequence[Way], now: datetime) -> WayView:
    counts = {row.health: row.number for row in rows}
    oldest = [row.oldest_at for row in rows if row.oldest_at is not None]
    worst = max(0.0, (now - min(oldest)).total_seconds()) if oldest else None
    return WayView(
        source=source,
        target=placed.machine.id,
        site=placed.site.name,
        normal=counts.get("normal", 0),
        warning=counts.get("warning", 0),
        critical=counts.get("critical", 0),
        worst_rpo_seconds=worst,
    )
