"""Open the vault a session is about."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from holdfast.app.dry_storage import DryStorage
from holdfast.app.keyring import KeptKeys
from holdfast.app.scratch import prepare_scratch
from holdfast.app.secret_sources import passphrase_of
from holdfast.app.setup_errors import VaultNotNamed
from holdfast.app.wiring import Session, identity_here
from holdfast.base.secret import Secret
from holdfast.base.texts import _
from holdfast.files.mounts import is_in_step, mount_of, read_mounts
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import FileMissing
from holdfast.storage.location import Kind, Location, open_storage, parse_location
from holdfast.storage.protocol import Storage
from holdfast.vault.errors import EnvelopeBroken, NoVault
from holdfast.vault.layout import KEYS, LOCKS
from holdfast.vault.opening import Unlocked, has_config, open_with, unlock
from holdfast.vault.repository import Repository

# Seconds that a mere look waits for an answer.
_LOOK = 5.0


def vault_storage(session: Session) -> Storage:
    """Where the vault lies; nothing is read yet."""
    settings = session.settings
    if not settings.vault:
        raise VaultNotNamed(config=settings.config_file)
    return storage_at(session, settings.vault)


def storage_at(session: Session, place: str) -> Storage:
    """The storage at a place; one that is reached over a network is patient with it."""
    return _limited(session, _unlimited_at(session, place))


def hurried_storage_at(session: Session, place: str) -> Storage:
    """For a mere look: nothing is tried twice, and no answer is waited for long."""
    location = parse_location(place)
    credentials = credentials_for(session, location)
    if location.kind in (Kind.DIRECTORY, Kind.MEMORY):
        return open_storage(location, credentials)
    if location.kind is Kind.REST:
        from holdfast.storage.rest import RestStorage
        from holdfast.storage.rest_door import read_door

        door = read_door(str(location), location.path, credentials)
        return RestStorage(replace(door, connect_seconds=_LOOK, silence_seconds=_LOOK))
    from holdfast.storage.object_store import Patience

    look = timedelta(seconds=_LOOK)
    patience = Patience(connect=look, silence=look, whole=look, tries=0, trying=look)
    return open_storage(location, credentials, patience=patience)


def _limited(session: Session, storage: Storage) -> Storage:
    """Held to the rates of this run, and to those it shares with others."""
    settings = session.settings
    up, down, file = settings.limit_upload, settings.limit_download, settings.rates_file
    if (up, down, file) == (None, None, None):
        return storage
    from holdfast.storage.limiting import LimitedStorage, Rates

    if up is not None or down is not None:
        storage = LimitedStorage(storage, Rates.alone(up=up, down=down), session.clock)
    if file is not None:
        storage = LimitedStorage(storage, Rates.in_file(file), session.clock)
    return storage


def _unlimited_at(session: Session, place: str) -> Storage:
    location = parse_location(place)
    if location.kind is Kind.DIRECTORY:
        return DirectoryStorage(location.path, lists_at_once=_is_in_step(location.path))
    storage = open_storage(location, credentials_for(session, location))
    if location.kind is Kind.MEMORY:
        return storage
    # SystemRandom, or workers of one parent would all wait the same time.
    from random import SystemRandom

    from holdfast.storage.retrying import RetryingStorage

    return RetryingStorage(storage, session.clock, SystemRandom())


def credentials_for(session: Session, location: Location) -> Mapping[str, str]:
    """What was set, and for a gateway what registration left in this machine's home."""
    settings = session.settings
    if location.kind is not Kind.REST:
        return settings.credentials
    from holdfast.storage.rest_door import CA_FILE, CERTIFICATE, KEY, USER

    if settings.credentials.get(CERTIFICATE) or settings.credentials.get(USER):
        return settings.credentials
    folder = os.path.join(settings.home, "agent")
    files = {CA_FILE: "ca.pem", CERTIFICATE: "machine.pem", KEY: "machine.key"}
    own = {name: os.path.join(folder, file) for name, file in files.items()}
    return {
        **{name: path for name, path in own.items() if os.path.exists(path)},
        **settings.credentials,
    }


def _is_in_step(folder: str) -> bool:
    """Whether one kernel alone keeps the listings of locks, wherever their folder may lead."""
    mount = mount_of(os.fsencode(os.path.realpath(os.path.join(folder, LOCKS))), read_mounts())
    return mount is not None and is_in_step(mount.kind)


def open_vault(session: Session, *, dry: bool = False) -> Repository:
    """The vault, unlocked, with its caches in scratch; a dry one only seems to be written."""
    storage = vault_storage(session)
    # Asking for a passphrase where there is no vault would be a trick.
    _require_vault(storage)
    unlocked = unlock_quickly(storage, passphrase_of(session), KeptKeys(session.settings.keyring))
    scratch = prepare_scratch(
        session.settings.home, unlocked.config.id, warn=session.warn, needed=False
    )
    return Repository(
        storage=DryStorage(storage) if dry else storage,
        unlocked=unlocked,
        identity=identity_here(),
        clock=session.clock,
        # A cache written in a dry run would know of blobs that were never stored.
        cache=None if dry else scratch,
        warn=lambda reason: session.warn(_cache_rebuilt(reason)),
    )


def _cache_rebuilt(reason: str) -> str:
    return _(
        "The blob index in scratch could not be used and is made anew from the vault "
        "(SalChecksumStoreInitializationFailed): {reason}"
    ).format(reason=reason)


def unlock_quickly(storage: Storage, passphrase: Secret, kept: KeptKeys) -> Unlocked:
    """Unlock with the key the kernel kept, if the same passphrase put it there and is still good."""
    found = kept.find(storage.place, passphrase)
    if found is not None:
        key_id, master = found
        try:
            # A passphrase that was removed must stop working now, not when the entry expires.
            storage.size(f"{KEYS}/{key_id}")
            return open_with(storage, master, key_id)
        except (EnvelopeBroken, FileMissing):
            kept.forget(storage.place)
    unlocked = unlock(storage, passphrase)
    kept.keep(storage.place, passphrase, unlocked.key_id, unlocked.master)
    return unlocked


def _require_vault(storage: Storage) -> None:
    if not has_config(storage):
        raise NoVault(place=storage.place)
