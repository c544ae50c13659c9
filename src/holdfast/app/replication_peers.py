"""The sites of this host's replications, as things to ask: connected to when something is asked."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from holdfast.app.local_zone import local_zone
from holdfast.app.replication_roles import sites_told
from holdfast.app.replication_sites import identity_of
from holdfast.app.wiring import Session
from holdfast.fleet.local_time import read_zone
from holdfast.replication.link_client import Peer
from holdfast.replication.link_connecting import Patience
from holdfast.replication.link_identity import IsRevoked, Shown
from holdfast.replication.pace import Pace
from holdfast.replication.replicator_tools import Door
from holdfast.replication.settings import Limit, ReplicationSettings, SiteAddress
from holdfast.replication.source_folder import SourceFolder, replicated_here

# A person waits.
_PATIENCE = Patience(seconds=5.0)


@contextlib.contextmanager
def asked(session: Session, to: SiteAddress) -> Iterator[Peer]:
    """For a command that asks a site once."""
    home = session.settings.home
    address, identity = current_address(home, to), identity_of(home, to)
    with Peer(
        address,
        identity,
        clock=session.clock,
        is_revoked=revoked_by_server(home, to),
        patience=_PATIENCE,
    ) as peer:
        yield peer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    address: SiteAddress
    peer: Peer
    pace: Pace
    limits: tuple[Limit, ...]

    def ahead(self) -> float:
        """By how many seconds the site's clock is."""
        return self.peer.hello().ahead.total_seconds()


class Peers:
    """Of a process that replicates: one for each site, and one pace for all that goes there.

    To be used from any thread.
    """

    def __init__(self, session: Session) -> None:
        self._home = session.settings.home
        self._clock = session.clock
        self.zone = read_zone(local_zone(session.settings.harmless.get("TZ", "")))
        self._lock = threading.Lock()
        self._ways: dict[str, _Way] = {}

    def door(self, to: SiteAddress) -> Door:
        """A site that has another address since is another connection."""
        address = current_address(self._home, to)
        with self._lock:
            way = self._ways.get(to.machine)
            if way is None or way.address != address:
                if way is not None:
                    way.peer.close()
                way = self._ways[to.machine] = self._opened(address)
        return Door(receiver=way.peer, sender=way.peer, ahead=way.ahead, tunnels=way.peer.tunnels)

    def limit(self, to: SiteAddress) -> int | None:
        """Bytes a second that may go there now."""
        with self._lock:
            way = self._ways.get(to.machine)
        return way.pace.rate if way is not None else None

    def refresh(self) -> None:
        """Obey limits that were changed since."""
        with self._lock:
            for machine, way in self._ways.items():
                limits = limits_to(self._home, machine)
                if limits != way.limits:
                    way.pace.change(limits)
                    self._ways[machine] = replace(way, limits=limits)

    def close(self) -> None:
        with self._lock:
            ways, self._ways = self._ways, {}
        for way in ways.values():
            way.peer.close()

    def _opened(self, address: SiteAddress) -> _Way:
        limits = limits_to(self._home, address.machine)
        pace = Pace(self._clock, limits, self.zone)
        peer = Peer(
            address,
            identity_of(self._home, address),
            clock=self._clock,
            pace=pace,
            is_revoked=revoked_by_server(self._home, address),
        )
        return _Way(address=address, peer=peer, pace=pace, limits=limits)


def limits_to(home: str, site_machine: str) -> tuple[Limit, ...]:
    """Those of one replication to a site are those of all of them: they share the line."""
    for uuid in replicated_here(home):
        settings = SourceFolder(home, uuid).settings()
        if settings is not None and settings.to.machine == site_machine:
            return settings.limits
    return ()


def put_limits(home: str, site_machine: str, limits: tuple[Limit, ...]) -> None:
    def limited(settings: ReplicationSettings) -> ReplicationSettings:
        is_there = settings.to.machine == site_machine
        return msgspec.structs.replace(settings, limits=limits) if is_there else settings

    for uuid in replicated_here(home):
        SourceFolder(home, uuid).change_settings(limited)


def current_address(home: str, to: SiteAddress) -> SiteAddress:
    """Where the server says that the site is now; it may have moved since it was replicated to."""
    for told in sites_told(home):
        if told.machine == to.machine:
            return SiteAddress(site=to.site, machine=to.machine, host=told.host, port=told.port)
    return to


def revoked_by_server(home: str, to: SiteAddress) -> IsRevoked:
    def is_revoked(shown: Shown) -> bool:
        told = (one for one in sites_told(home) if one.machine == to.machine)
        return any(shown.fingerprint in one.revoked for one in told)

    return is_revoked
