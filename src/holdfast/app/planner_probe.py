"""Try what the link to a site carries, and keep it for the report."""

from holdfast.app.replication_peers import asked
from holdfast.app.replication_sites import find_site
from holdfast.app.wiring import Session
from holdfast.replication.planner.probes import ProbeLine, keep_probe


def probe_site(session: Session, name: str) -> ProbeLine:
    site = find_site(session.settings.home, name)
    with asked(session, site.address) as peer:
        found = peer.probe()
    line = ProbeLine(
        at=session.clock.now(),
        site=site.name,
        rate=found.bytes_per_second,
        round_trip_seconds=found.round_trip_seconds,
        limit=found.limit,
    )
    keep_probe(session.settings.home, line)
    return line
