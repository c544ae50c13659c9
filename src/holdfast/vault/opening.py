"""Create a repository, open one, and manage the passphrases that open it."""

import contextlib
from collections.abc import Iterator

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.ids import FileId, KeyId, is_file_id
from holdfast.base.secret import Secret
from holdfast.storage.errors import FileExists, FileMissing
from holdfast.storage.protocol import Storage
from holdfast.vault.config import CONFIG, VERSION, Config, encode_config, new_config, parse_config
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.errors import (
    KeyUnreadable,
    LastPassphrase,
    NoVault,
    VaultExists,
    VersionNotSupported,
    WrongPassphrase,
)
from holdfast.vault.identity import Identity
from holdfast.vault.keys import KeyCost, KeyFile, parse_key_file, unwrap, write_key_file
from holdfast.vault.layout import KEYS
from holdfast.vault.sealed_files import put_named

# restic stops after as many keys: each costs a derivation.
_MAX_KEYS_TRIED = 20


class Unlocked(msgspec.Struct, frozen=True, kw_only=True):
    """What a passphrase gives: the config, the master key, and which key file it was."""

    config: Config
    master: MasterKey
    key_id: KeyId


def create(
    storage: Storage,
    passphrase: Secret,
    *,
    identity: Identity,
    clock: Clock,
    cost: KeyCost | None = None,
) -> Unlocked:
    """Make a new repository in an empty place; the config comes last and makes it one."""
    if has_config(storage) or any(True for _ in storage.list(KEYS)):
        raise VaultExists(place=storage.place)
    config, master = new_config(), MasterKey.generate()
    key_id = add_passphrase(storage, master, passphrase, identity=identity, clock=clock, cost=cost)
    try:
        storage.put(CONFIG, Sealer(master).seal(encode_config(config)))
    except FileExists as err:
        # Somebody else created a vault here at the same moment: theirs stays.
        storage.delete(f"{KEYS}/{key_id}")
        raise VaultExists(place=storage.place) from err
    return Unlocked(config=config, master=master, key_id=key_id)


def has_config(storage: Storage) -> bool:
    try:
        storage.size(CONFIG)
    except FileMissing:
        return False
    return True


def unlock(storage: Storage, passphrase: Secret) -> Unlocked:
    """Try the passphrase on the key files, newest use unknown, so in any order."""
    sealed_config = _load_config(storage)
    tried = 0
    for key_id, key_file in key_files(storage):
        if tried == _MAX_KEYS_TRIED:
            break
        tried += 1
        try:
            master = unwrap(key_id, key_file, passphrase)
        except KeyUnreadable:
            continue
        if master is not None:
            return open_with(storage, master, key_id, sealed_config=sealed_config)
    raise WrongPassphrase(place=storage.place, keys=tried)


def open_with(
    storage: Storage, master: MasterKey, key_id: KeyId, *, sealed_config: bytes | None = None
) -> Unlocked:
    """Open with a master key that is known already."""
    sealed = sealed_config if sealed_config is not None else _load_config(storage)
    config = parse_config(Sealer(master).open(sealed, what=CONFIG))
    if config.version != VERSION:
        raise VersionNotSupported(place=storage.place, version=config.version)
    return Unlocked(config=config, master=master, key_id=key_id)


def _load_config(storage: Storage) -> bytes:
    try:
        return storage.get(CONFIG)
    except FileMissing as err:
        raise NoVault(place=storage.place) from err


def key_files(storage: Storage) -> Iterator[tuple[KeyId, KeyFile]]:
    """Yield the usable key files; a damaged one must not keep the others from opening."""
    for entry in storage.list(KEYS):
        name = entry.name.rpartition("/")[2]
        if is_file_id(name):
            with contextlib.suppress(KeyUnreadable, FileMissing):
                yield KeyId(FileId(name)), parse_key_file(entry.name, storage.get(entry.name))


def add_passphrase(
    storage: Storage,
    master: MasterKey,
    passphrase: Secret,
    *,
    identity: Identity,
    clock: Clock,
    cost: KeyCost | None = None,
) -> KeyId:
    content = write_key_file(
        master,
        passphrase,
        created=clock.now(),
        username=identity.username,
        hostname=identity.hostname,
        cost=cost or KeyCost(),
    )
    return KeyId(put_named(storage, KEYS, content))


def remove_passphrase(storage: Storage, key_id: KeyId, *, opened_with: KeyId) -> None:
    """Remove a key file, but never the one in use: the way back in must stay open."""
    if key_id == opened_with:
        raise LastPassphrase(name=key_id)
    storage.delete(f"{KEYS}/{key_id}")
