"""What Prometheus may read: what this process did, and what the state holds."""

import secrets
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.responses import PlainTextResponse, Response

from holdfast.app.control.plane import Plane
from holdfast.catalog import figures, replications, vault_samples
from holdfast.server.callers import ThePlane
from holdfast.server.replication_metrics import replication_families
from holdfast.server.vault_metrics import vault_families

REGISTRY = CollectorRegistry()
_REQUESTS = Counter(
    "holdfast_requests_total",
    "Requests answered.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
_SECONDS = Histogram(
    "holdfast_request_seconds",
    "How long a request took.",
    ("method", "route"),
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60),
    registry=REGISTRY,
)
# `direction` is "in" or "out", seen from the server.
GATEWAY_BYTES = Counter(
    "holdfast_gateway_bytes_total", "Bytes of vault files.", ("direction",), registry=REGISTRY
)
CONNECTIONS = Gauge("holdfast_connections", "Connections open now.", registry=REGISTRY)
# A machine that has not been heard of for longer counts as away.
_SEEN_WITHIN = timedelta(minutes=5)
_WORKER_WITHIN = timedelta(seconds=10)
_LOOPBACK = ("127.", "::1", "::ffff:127.", "testclient")

router = APIRouter()


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    _REQUESTS.labels(method, route, str(status)).inc()
    _SECONDS.labels(method, route).observe(seconds)


@router.get("/metrics", include_in_schema=False)
def show(request: Request, plane: ThePlane) -> Response:
    if not may_read(request, request.app.state.metrics_token):
        return PlainTextResponse("metrics are read from this machine, or with the token", 403)
    state = CollectorRegistry()
    state.register(_State(plane))
    return Response(generate_latest(REGISTRY) + generate_latest(state), media_type=_TYPE)


_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def may_read(request: Request, token: str | None) -> bool:
    """From this machine itself, or with the token of the settings."""
    sent = request.headers.get("authorization", "").partition(" ")[2]
    if token and secrets.compare_digest(sent.encode(), token.encode()):
        return True
    # Behind a proxy on this machine everybody seems to come from here.
    is_passed_on = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    address = request.client.host if request.client else ""
    return address.startswith(_LOOPBACK) and not is_passed_on


class _State(Collector):
    """Read from the database when asked, so that every server tells the same."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def collect(self) -> Iterator[Any]:
        now = self._plane.clock.now()
        with self._plane.database.read() as db:
            found = figures.count(
                db, machines_since=now - _SEEN_WITHIN, workers_since=now - _WORKER_WITHIN
            )
            replicated = replications.listed(db, replications.Filter())
            vaults = vault_samples.held(db)
        yield _family("holdfast_jobs", "Jobs known.", ("kind", "state"), found.jobs)
        yield _family("holdfast_machines", "Machines registered.", ("state",), found.machines)
        yield _family("holdfast_alerts_open", "Alerts open.", ("severity",), found.alerts)
        yield _plain("holdfast_machines_seen", "Machines heard of lately.", found.machines_seen)
        yield _plain("holdfast_workers", "Server processes alive.", found.workers)
        yield _plain("holdfast_stored_bytes", "Bytes in all vaults.", found.bytes_stored)
        yield from vault_families(vaults)
        yield from replication_families(replicated, now)


def _family(
    name: str, said: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], int]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=labels)
    for values, count in rows:
        family.add_metric(values, count)
    return family


def _plain(name: str, said: str, value: int) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, value=value)
