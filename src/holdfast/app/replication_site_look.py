"""What lies at a site that its server has made one, read from its folder without disturbing it."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.fleet.replication_messages import (
    MOST_POINTS,
    ReplicaPointTold,
    ReplicaTold,
    SiteRole,
    SiteTold,
)
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.recovery.tested_points import tested_points
from holdfast.replication.replica_facts import ReplicaFacts, ReplicaPoint
from holdfast.replication.replica_folder import taken_by
from holdfast.replication.site import Site, no_machines


def look_at_site(
    role: SiteRole,
    clock: Clock,
    machines: Callable[[], Sequence[DomainSpec]] = no_machines,
    *,
    home: str = "",
) -> SiteTold:
    """`machines` are those of this host: one of them might use a replica.

    `home` is where this host keeps which points were tested.
    """
    try:
        space = os.statvfs(role.folder)
    except OSError:
        # Not made yet, or not mounted; what is told is that nothing can be taken in.
        return SiteTold(site=role.site, replicas=[], trouble="site-unusable")
    return SiteTold(
        site=role.site,
        replicas=list(_replicas(Site(Path(role.folder), clock, machines=machines), home)),
        bytes_free=space.f_bavail * space.f_frsize,
        bytes_total=space.f_blocks * space.f_frsize,
    )


def _replicas(site: Site, home: str) -> Iterator[ReplicaTold]:
    for vm in site.replicas():
        with contextlib.suppress(HoldfastError):
            facts = site.state(vm)
            if facts is None:
                continue
            yield ReplicaTold(
                vm=facts.vm,
                name=facts.name,
                source=facts.source,
                points=len(facts.points),
                bytes=taken_by(site.folder / vm),
                newest_at=facts.points[-1].taken_at if facts.points else None,
                remarks=[
                    *(["replica-was-written"] if facts.written else []),
                    *(["replica-in-use"] if site.writers(vm) else []),
                ],
                latest=list(_points(facts, home)),
            )


def _points(facts: ReplicaFacts, home: str) -> Iterator[ReplicaPointTold]:
    tested = tested_points(home, facts.vm) if home else {}
    for point in facts.points[-MOST_POINTS:]:
        mark = tested.get(point.generation)
        yield ReplicaPointTold(
            generation=point.generation,
            taken_at=point.taken_at,
            consistency=point.consistency.value,
            why=_why(point),
            tested_at=mark.at if mark else None,
            is_spoiled=point.is_spoiled,
        )


def _why(point: ReplicaPoint) -> str:
    return point.downgrades[0].code if point.downgrades else ""
