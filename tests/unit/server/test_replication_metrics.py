"""What Prometheus reads of replications."""

from pathlib import Path

from holdfast.catalog import replications
from holdfast.replication.status import Health
from holdfast.server.replication_metrics import replication_families
from tests.unit.app.control.replication_ground import Ground, reason, uuid_of


def test_each_replication_has_its_figures(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.site()
    ground.want("web")
    ground.want("db")
    why = (reason(ground, "cycles-missed"),)
    ground.tell(ground.report("db", queue_bytes=7, missed=2, health=Health.WARNING, reasons=why))
    ground.minutes(1)

    with ground.plane.database.read() as db:
        found = replications.listed(db, replications.Filter())
    told = {
        (sample.name.removeprefix("holdfast_replication_"), sample.labels["vm"]): sample
        for family in replication_families(found, ground.clock.now())
        for sample in family.samples
    }

    assert told["rpo_seconds", "db"].value == 60
    assert told["queue_bytes", "db"].value == 7
    assert told["health", "db"].value == 1
    assert told["cycles_missed", "db"].value == 2
    assert told["health", "web"].value == 0
    # It has no point yet, so there is nothing to reckon from.
    assert ("rpo_seconds", "web") not in told
    labels = {"vm": "db", "site": "berlin", "host": "kvm1", "uuid": uuid_of("db")}
    assert told["rpo_seconds", "db"].labels == labels
