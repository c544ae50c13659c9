"""What Prometheus may read of replications."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from prometheus_client.core import GaugeMetricFamily

from holdfast.app.control.replication_judging import rpo_of
from holdfast.catalog.replications import Replicated

# Names may come twice, on two hosts; a UUID and a site do not.
_LABELS = ("vm", "site", "host", "uuid")
_HEALTHS = {"normal": 0, "warning": 1, "critical": 2}


def replication_families(found: Sequence[Replicated], now: datetime) -> Iterator[GaugeMetricFamily]:
    rpo = _family("rpo_seconds", "How long ago the newest point at the site was taken.")
    queue = _family("queue_bytes", "Bytes that wait to be sent.")
    health = _family("health", "0: normal, 1: warning, 2: critical.")
    missed = _family("cycles_missed", "Cycles missed of those that were due lately.")
    for one in found:
        labels = (one.row.name, one.site.name, one.machine.name, one.row.vm)
        status: dict[str, Any] = one.row.status or {}
        behind = rpo_of(one.row, one.machine, now)
        if behind is not None:
            rpo.add_metric(labels, behind)
        queue.add_metric(labels, status.get("queue_bytes", 0))
        health.add_metric(labels, _HEALTHS.get(one.row.health, 2))
        missed.add_metric(labels, status.get("missed", 0))
    yield from (rpo, queue, health, missed)


def _family(name: str, said: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"holdfast_replication_{name}", said, labels=_LABELS)
