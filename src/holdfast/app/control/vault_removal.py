"""What is left of a deleted vault when its days in the trash are over: nothing."""

from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.plane import Plane
from holdfast.app.control.purging import purge_repository
from holdfast.app.control.server_work import SERVER, order_vault_deletion
from holdfast.catalog import removal
from holdfast.catalog import vaults as vault_rows
from holdfast.catalog.tables import Vault

# So that a slice is over in seconds even on a slow store.
_FILES = 500


def order_due(plane: Plane) -> list[str]:
    """A job for each vault whose days are over."""
    with plane.database.write() as db:
        due = vault_rows.due_for_purge(db, plane.clock.now())
        made = [order_vault_deletion(plane, db, vault) for vault in due]
    return [job_id for job_id in made if job_id is not None]


def remove_slice(plane: Plane, vault_id: str) -> dict[str, Any]:
    """Some files of the vault's repositories; after the last of them the vault's rows."""
    now = plane.clock.now()
    with plane.database.read() as db:
        vault = db.get(Vault, vault_id)
        machines = removal.machine_ids(db, vault_id)
    if vault is None or vault.purge_at is None or vault.purge_at > now:
        # It is done, or somebody undeleted the vault in time.
        return {"is_over": True, "files": 0}
    for machine_id in machines:
        removed = purge_repository(plane, machine_id, _FILES)
        if removed == _FILES:
            return {"is_over": False, "files": removed}
    with plane.database.write() as db:
        removal.remove_vault(db, vault_id)
        audit.note(db, plane, SERVER, act="vault-purged", vault_id=vault_id, object=vault.name)
        raise_alert(db, plane, "purged", vault_id=vault_id, fields={"object": vault.name})
    return {"is_over": True, "files": 0}
