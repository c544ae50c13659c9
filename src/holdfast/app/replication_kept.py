"""Replicas of this site that were removed, and can be had back for some days."""

from collections.abc import Sequence
from pathlib import Path

from holdfast.app.replication_own_site import site_plan
from holdfast.app.wiring import Session
from holdfast.recovery.act_errors import NameOfSeveral
from holdfast.replication.replica_errors import ReplicaNotAway
from holdfast.replication.replicas_away import Away, purge
from holdfast.replication.site import Site


def kept_replicas(session: Session) -> list[Away]:
    return _site(session).away()


def restore_replica(session: Session, vm: str) -> Away:
    """By name or UUID: the one that was removed last."""
    site = _site(session)
    found = of_machine(site.away(), vm)[-1]
    site.put_back(found)
    return found


def purge_replica(session: Session, vm: str) -> list[Away]:
    """All of that machine, for good."""
    found = of_machine(_site(session).away(), vm)
    for away in found:
        purge(away)
    return found


def _site(session: Session) -> Site:
    return Site(Path(site_plan(session.settings.home).folder), session.clock)


def of_machine(kept: Sequence[Away], vm: str) -> list[Away]:
    """By its UUID, or by a name that is of no other: what is purged is gone for good."""
    found = [each for each in kept if vm in (each.name, each.vm)]
    if not found:
        raise ReplicaNotAway(about=vm)
    uuids = sorted({each.vm for each in found})
    if len(uuids) > 1:
        raise NameOfSeveral(about=vm, uuids=", ".join(uuids))
    return found
