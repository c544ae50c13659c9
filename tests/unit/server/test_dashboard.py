"""The example dashboard asks for what the server tells, and for nothing else."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.plane import Plane
from holdfast.app.control.server_settings import ServerSettings
from holdfast.catalog import usage
from holdfast.server.running import assemble
from holdfast.testing.planes import add_machine, add_vault, client_of

DASHBOARD = Path(__file__).parents[3] / "packaging" / "grafana" / "holdfast.json"
_METRIC = re.compile(r"\bholdfast_[a-z_]+")
# What a histogram is told as.
_ENDINGS = ("_bucket", "_sum", "_count")


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


@pytest.fixture
def metrics(plane: Plane, tmp_path: Path) -> Callable[[], str]:
    app = assemble(plane, ServerSettings(folder=str(tmp_path), executor_id="one"))
    return lambda: client_of(plane, app=app).get("/metrics").text


@pytest.fixture
def told(metrics: Callable[[], str]) -> set[str]:
    """The names of all that can be read, though there is nothing of some yet."""
    found = set(re.findall(r"^# TYPE (\S+)", metrics(), re.MULTILINE))
    # When a counter began is told of itself; nobody looks at that.
    return {name for name in found if not name.endswith("_created")}


def asked(dashboard: dict[str, Any]) -> Iterator[str]:
    queries = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    queries += [one["query"]["query"] for one in dashboard["templating"]["list"]]
    for query in queries:
        yield from _METRIC.findall(query)


def test_every_metric_it_asks_for_is_told(told: set[str], dashboard: dict[str, Any]) -> None:
    wanted = {_family(name, told) for name in asked(dashboard)}

    assert wanted <= told
    assert len(wanted) > 10


def test_everything_that_is_told_is_shown(told: set[str], dashboard: dict[str, Any]) -> None:
    shown = {_family(name, told) for name in asked(dashboard)}

    assert told - shown == set()


def _family(name: str, told: set[str]) -> str:
    """What a part of a histogram is a part of."""
    whole = {name.removesuffix(ending) for ending in _ENDINGS}
    return next((one for one in (name, *sorted(whole)) if one in told), name)


def test_panels_have_places_of_their_own(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    places = [
        (x, y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)
    assert max(x for x, _y in places) < 24


def test_vaults_are_told_with_what_they_may_hold(plane: Plane, metrics: Callable[[], str]) -> None:
    vault = add_vault(plane, "main", quota_bytes=1000)
    add_vault(plane, "boundless")
    machine = add_machine(plane, vault).id
    with plane.database.write() as db:
        usage.add(db, machine, size=70, files=1)

    said = metrics()

    assert 'holdfast_vault_stored_bytes{vault="main"} 70.0' in said
    assert 'holdfast_vault_quota_bytes{vault="main"} 1000.0' in said
    assert 'holdfast_vault_machines{vault="main"} 1.0' in said
    assert 'holdfast_vault_quota_bytes{vault="boundless"}' not in said
