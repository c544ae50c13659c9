"""A deleted vault goes when its days are over, with all that was in it, and not a day sooner."""

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.control import job_orders
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plane import Plane
from holdfast.app.control.vault_removal import order_due, remove_slice
from holdfast.catalog import alerts as alert_rows
from holdfast.catalog.tables import Certificate, Command, Job, Machine, Vault
from holdfast.fleet.messages import JobReport
from holdfast.testing.planes import Someone, add_machine, add_vault

DAYS = timedelta(days=14)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = tmp_path / "store"
    store.mkdir()
    return store


@pytest.fixture
def vault(plane: Plane, store: Path, admin: Someone) -> str:
    """With a machine, its files, a job that is over and one that waits."""
    vault_id = add_vault(plane, location=str(store))
    machine = add_machine(plane, vault_id)
    for name in ("config", "data/ab/" + "ab" * 32, "snapshots/" + "cd" * 32):
        file = store / machine.id / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"content")
    report = JobReport(
        number=1,
        kind="backup",
        origin="schedule",
        source="daily",
        state="done",
        created_at=plane.clock.now(),
    )
    report_job(plane, machine.actor, "abcd1234", report)
    job_orders.order_job(plane, admin.actor, machine.id, kind="check", arguments={})
    return vault_id


def _delete(plane: Plane, vault_id: str) -> None:
    with plane.database.write() as db:
        row = db.get(Vault, vault_id)
        assert row is not None
        row.deleted_at, row.purge_at = plane.clock.now(), plane.clock.now() + DAYS


def _files(store: Path) -> list[Path]:
    return [path for path in store.rglob("*") if path.is_file()]


def _remove(plane: Plane, vault_id: str) -> None:
    while not remove_slice(plane, vault_id)["is_over"]:
        pass


def test_vault_is_ordered_to_go_once_and_not_too_soon(plane: Plane, vault: str) -> None:
    _delete(plane, vault)

    early = order_due(plane)
    plane.clock.sleep(DAYS.total_seconds())
    due, again = order_due(plane), order_due(plane)

    assert early == []
    assert len(due) == 1
    assert again == []


def test_nothing_is_left_but_history(plane: Plane, vault: str, store: Path) -> None:
    _delete(plane, vault)
    plane.clock.sleep(DAYS.total_seconds())

    _remove(plane, vault)

    with plane.database.read() as db:
        left = [db.query(table).count() for table in (Vault, Machine, Certificate, Command)]
        job = db.get(Job, "abcd1234")
        alerts = alert_rows.listed(db, alert_rows.Filter(), vaults=None, after="", limit=10)
    assert _files(store) == []
    assert left == [0, 0, 0, 0]
    assert job is not None
    assert (job.vault_id, job.machine_id) == (None, None)
    assert ("purged", vault) in {(alert.kind, alert.vault_id) for alert in alerts}


def test_vault_that_came_back_is_left_alone(plane: Plane, vault: str, store: Path) -> None:
    _delete(plane, vault)
    plane.clock.sleep(DAYS.total_seconds())
    order_due(plane)
    with plane.database.write() as db:
        row = db.get(Vault, vault)
        assert row is not None
        row.deleted_at = row.purge_at = None

    _remove(plane, vault)

    assert len(_files(store)) == 3


def test_removing_twice_is_fine(plane: Plane, vault: str) -> None:
    _delete(plane, vault)
    plane.clock.sleep(DAYS.total_seconds())

    _remove(plane, vault)

    assert remove_slice(plane, vault)["is_over"]


def test_other_vault_keeps_everything(plane: Plane, vault: str, tmp_path: Path) -> None:
    place = tmp_path / "other"
    place.mkdir()
    other = add_vault(plane, "other", location=str(place))
    machine = add_machine(plane, other, "beta")
    _delete(plane, vault)
    plane.clock.sleep(DAYS.total_seconds())

    _remove(plane, vault)

    with plane.database.read() as db:
        assert db.get(Machine, machine.id) is not None
        assert db.get(Certificate, machine.fingerprint) is not None
