"""Use cases around a whole vault: make one, describe one."""

from dataclasses import dataclass
from datetime import datetime

from holdfast.app.keyring import KeptKeys
from holdfast.app.locking import locks_of
from holdfast.app.opening import open_vault, storage_at
from holdfast.app.secret_sources import first_passphrase
from holdfast.app.setup_errors import VaultNotNamed
from holdfast.app.wiring import Session, identity_here
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.protocol import Storage
from holdfast.vault.errors import VaultExists
from holdfast.vault.keys import KeyCost
from holdfast.vault.layout import DATA, INDEX, KEYS, LOCKS, SNAPSHOTS
from holdfast.vault.locks import Removed
from holdfast.vault.opening import create as create_repository
from holdfast.vault.opening import has_config

# A lab vault is for trials and tests: cheap to open, and as cheap to guess.
_LAB_COST = KeyCost(n=1 << 10, r=8, p=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVault:
    place: str
    id: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultFacts:
    """What a vault holds, in files and bytes as stored."""

    place: str
    id: str
    version: int
    points: int
    newest: datetime | None
    keys: int
    locks: int
    packs: int
    bytes_stored: int


def cost_of(*, lab: bool) -> KeyCost | None:
    """What guessing a passphrase costs; None is the usual price."""
    return _LAB_COST if lab else None


def create(session: Session, location: str | None, *, lab: bool = False) -> NewVault:
    """Make a vault; a folder that is not there is made as well."""
    wanted = location or session.settings.vault
    if not wanted:
        raise VaultNotNamed(config=session.settings.config_file)
    storage = storage_at(session, wanted)
    if isinstance(storage, DirectoryStorage):
        storage.create_root()
    if has_config(storage):
        # Before a passphrase is asked for: nobody should invent one in vain.
        raise VaultExists(place=storage.place)
    passphrase = first_passphrase(session, lab=lab)
    made = create_repository(
        storage,
        passphrase,
        identity=identity_here(),
        clock=session.clock,
        cost=cost_of(lab=lab),
    )
    # Whoever makes a vault uses it next.
    kept = KeptKeys(session.settings.keyring)
    kept.keep(storage.place, passphrase, made.key_id, made.master)
    return NewVault(place=storage.place, id=made.config.id, key=made.key_id)


def describe(session: Session) -> VaultFacts:
    repository = open_vault(session)
    storage = repository.storage
    points = repository.snapshots()
    sizes = {folder: _count(storage, folder) for folder in (DATA, INDEX, KEYS, LOCKS, SNAPSHOTS)}
    return VaultFacts(
        place=storage.place,
        id=repository.id,
        version=repository.config.version,
        points=len(points),
        newest=points[-1].taken_at if points else None,
        keys=sizes[KEYS][0],
        locks=sizes[LOCKS][0],
        packs=sizes[DATA][0],
        bytes_stored=sum(size for _files, size in sizes.values()),
    )


def unlock(session: Session, *, remove_all: bool = False) -> Removed:
    """Remove locks of processes that ended, or every lock there is."""
    locks = locks_of(open_vault(session))
    return Removed(locks.remove_all(), []) if remove_all else locks.remove_stale()


def _count(storage: Storage, folder: str) -> tuple[int, int]:
    files = size = 0
    for entry in storage.list(folder):
        files, size = files + 1, size + entry.size
    return files, size
