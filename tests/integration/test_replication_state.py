"""What a server knows of replications, in each kind of database, and on its way to another one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from holdfast.app.control import replication_watch
from holdfast.app.control.replication_ends import end_replication
from holdfast.app.control.replication_views import show_history
from holdfast.app.control.state_transfer import Place, export_state, import_state
from holdfast.base.secret import Secret
from holdfast.catalog.migrating import open_database
from holdfast.catalog.removal import remove_vault
from holdfast.catalog.tables import (
    ReplicaRemoval,
    Replication,
    ReplicationEnd,
    ReplicationSample,
    Site,
)
from holdfast.replication.status import Health
from tests.unit.app.control.replication_ground import Ground, reason, uuid_of

PASSPHRASE = Secret(b"seven words are better than one word")


def test_a_life_of_a_replication(tmp_path: Path, database_url: str) -> None:
    ground = Ground(tmp_path, database_url)
    ground.site()
    ground.vms(ground.one, "db", "web")
    ground.vms(ground.two)
    ground.replicated("db", "web")
    for _minute in range(70):
        ground.minutes(1)
        replication_watch.watch(ground.plane)
    whole = show_history(ground.plane, ground.admin, ground.listed()[0].id, hours=700)

    failing: dict[str, Any] = {
        "reasons": (reason(ground, "failing"),),
        "health": Health.WARNING,
        "error_code": "site-full",
    }
    ground.tell(ground.report("db", **failing), ground.report("web", **failing))
    replication_watch.watch(ground.plane)
    told = ground.alerts()
    ground.vms(ground.two, "db")
    ground.vms(ground.one, "web")
    ground.tell(ground.report("db"), host=ground.two)
    ground.tell(ground.report("web"))
    replication_watch.watch(ground.plane)
    ground.minutes(26 * 60)
    replication_watch.thin(ground.plane)
    kept = show_history(ground.plane, ground.admin, ground.listed()[0].id, hours=700)
    end_replication(ground.plane, ground.sure, ground.listed(vm="web")[0].id)

    assert told == [("replication-warning", "db, web")]
    assert [one.seconds for one in (whole, kept)] == [3600, 3600]
    assert kept.samples[: len(whole.samples) - 1] == whole.samples[:-1]
    assert [(one.name, one.machine) for one in ground.listed()] == [("db", "kvm2")]
    with ground.plane.database.read() as db:
        assert db.scalars(select(ReplicationEnd.vm)).all() != []
        assert db.scalars(select(ReplicaRemoval.vm)).all() == [uuid_of("web")]
    with ground.plane.database.write() as db:
        # With its vault all of it goes, whatever refers to what.
        remove_vault(db, ground.vault)
    with ground.plane.database.read() as db:
        for table in (Site, Replication, ReplicationSample, ReplicaRemoval, ReplicationEnd):
            assert db.query(table).count() == 0
    ground.plane.database.close()


def test_it_goes_on_at_another_server(tmp_path: Path) -> None:
    state = tmp_path / "first" / "server"
    state.mkdir(parents=True)
    url = f"sqlite:///{state}/state.db"
    open_database(url).close()
    ground = Ground(tmp_path / "first", url)
    ground.site()
    ground.replicated("db")
    replication_watch.watch(ground.plane)
    before = (ground.listed(), ground.roles(ground.far))
    ground.plane.database.close()
    file = str(tmp_path / "state")

    export_state(
        Place(folder=str(state), database_url=url), file, PASSPHRASE, now=ground.clock.now()
    )
    moved = tmp_path / "second"
    target = Place(folder=str(moved), database_url=f"sqlite:///{moved}/state.db")
    import_state(target, file, PASSPHRASE)

    database = open_database(target.database_url)
    ground.plane = replace(ground.plane, database=database)
    assert (ground.listed(), ground.roles(ground.far)) == before
    history = show_history(ground.plane, ground.admin, ground.only().id, hours=24)
    assert len(history.samples) == 1
    database.close()
