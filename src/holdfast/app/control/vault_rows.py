"""The vault a request is about, by its id or its name."""

from holdfast.app.control.errors import NotThere
from holdfast.catalog import vaults as vault_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Vault


def any_vault(db: Session, wanted: str) -> Vault:
    """Also one that is deleted and not yet purged."""
    vault = db.get(Vault, wanted) or vault_rows.by_name(db, wanted)
    if vault is None:
        raise NotThere(what="vault", name=wanted)
    return vault


def live_vault(db: Session, wanted: str) -> Vault:
    vault = any_vault(db, wanted)
    if vault.deleted_at is not None:
        raise NotThere(what="vault", name=wanted)
    return vault
