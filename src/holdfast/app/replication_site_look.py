"""What lies at a site that its server has made one, read from its folder without disturbing it."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.fleet.replication_messages import ReplicaTold, SiteRole, SiteTold
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.replication.site import Site, no_machines

_BLOCK = 512


def look_at_site(
    role: SiteRole, clock: Clock, machines: Callable[[], Sequence[DomainSpec]] = no_machines
) -> SiteTold:
    """`machines` are those of this host: one of them might use a replica."""
    try:
        space = os.statvfs(role.folder)
    except OSError:
        # Not made yet, or not mounted; what is told is that nothing can be taken in.
        return SiteTold(site=role.site, replicas=[], trouble="site-unusable")
    return SiteTold(
        site=role.site,
        replicas=list(_replicas(Site(Path(role.folder), clock, machines=machines))),
        bytes_free=space.f_bavail * space.f_frsize,
        bytes_total=space.f_blocks * space.f_frsize,
    )


def _replicas(site: Site) -> Iterator[ReplicaTold]:
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
                bytes=_taken(site.folder / vm),
                newest_at=facts.points[-1].taken_at if facts.points else None,
                remarks=[
                    *(["replica-was-written"] if facts.written else []),
                    *(["replica-in-use"] if site.writers(vm) else []),
                ],
            )


def _taken(folder: Path) -> int:
    """Of the disk, not of what is sparse in it."""
    total = 0
    for path, _folders, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_blocks * _BLOCK
    return total
