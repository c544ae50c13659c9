"""Replicas of this site that were removed, and can be had back for some days."""

from pathlib import Path

from holdfast.app.replication_own_site import site_plan
from holdfast.app.wiring import Session
from holdfast.replication.replica_errors import ReplicaNotAway
from holdfast.replication.replicas_away import Away, purge
from holdfast.replication.site import Site


def kept_replicas(session: Session) -> list[Away]:
    return _site(session).away()


def restore_replica(session: Session, vm: str) -> Away:
    """By name or UUID: the one that was removed last."""
    site = _site(session)
    found = _named(site, vm)[-1]
    site.put_back(found)
    return found


def purge_replica(session: Session, vm: str) -> list[Away]:
    """All of that machine, for good."""
    found = _named(_site(session), vm)
    for away in found:
        purge(away)
    return found


def _site(session: Session) -> Site:
    return Site(Path(site_plan(session.settings.home).folder), session.clock)


def _named(site: Site, vm: str) -> list[Away]:
    found = [each for each in site.away() if vm in (each.name, each.vm)]
    if not found:
        raise ReplicaNotAway(about=vm)
    return found
