"""The vault a request is about, by its id or its name."""

from holdfast.app.control.errors import NotThere
from holdfast.base.texts import _
from holdfast.catalog import vaults as vault_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Vault


def any_vault(db: Session, wanted: str) -> Vault:
    """Also one that is deleted and not yet purged."""
    vault = db.get(Vault, wanted) or vault_rows.by_name(db, wanted)
    if vault is None:
        raise NotThere(what=_("vault"), name=wanted)
    return vault


def locked_vault(db: Session, wanted: str) -> Vault:
    """The same, and nobody else changes it before this transaction ends."""
    vault = any_vault(db, wanted)
    return db.get_one(Vault, vault.id, with_for_update=True, populate_existing=True)


def live_vault(db: Session, wanted: str, *, lock: bool = False) -> Vault:
    vault = locked_vault(db, wanted) if lock else any_vault(db, wanted)
    if vault.deleted_at is not None:
        raise NotThere(what=_("vault"), name=wanted)
    return vault
