"""The repository of a registered machine: made or opened at its gateway, with its keys."""

import hashlib
import os
import secrets

from holdfast.app.agent_folder import read_if_there
from holdfast.app.passphrases import add
from holdfast.app.registering_errors import PassphraseOfAnother, RecoveryFileTaken
from holdfast.app.wiring import identity_here
from holdfast.base.clock import Clock
from holdfast.base.secret import Secret
from holdfast.storage.durable import sync_folder
from holdfast.storage.errors import FileExists
from holdfast.storage.protocol import Storage
from holdfast.vault.config import CONFIG, encode_config, new_config
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.errors import VaultExists, WrongPassphrase
from holdfast.vault.keys import KeyCost, unwrap
from holdfast.vault.layout import KEYS
from holdfast.vault.opening import Unlocked, create, has_config, key_files, unlock
from holdfast.vault.repository import Repository

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 8, 5
_RECOVERY_HEAD = "Holdfast recovery key"


def generate_passphrase() -> Secret:
    """Forty letters in groups, to be read aloud or typed from paper: 198 bits."""
    groups = (
        "".join(secrets.choice(_LETTERS) for _letter in range(_GROUP_LENGTH))
        for _group in range(_GROUPS)
    )
    return Secret("-".join(groups).encode())


def make_or_open(
    storage: Storage, passphrase: Secret, *, machine_id: str, clock: Clock, cost: KeyCost | None
) -> Repository:
    """The machine's repository; one that a crash left without its config is completed."""
    try:
        unlocked = _unlocked(storage, passphrase, clock=clock, cost=cost)
    except (WrongPassphrase, VaultExists) as err:
        raise PassphraseOfAnother(machine=machine_id) from err
    return Repository(storage=storage, unlocked=unlocked, identity=identity_here(), clock=clock)


def _unlocked(
    storage: Storage, passphrase: Secret, *, clock: Clock, cost: KeyCost | None
) -> Unlocked:
    if has_config(storage):
        return unlock(storage, passphrase)
    if any(True for _entry in storage.list(KEYS)):
        return _completed(storage, passphrase)
    return create(storage, passphrase, identity=identity_here(), clock=clock, cost=cost)


def _completed(storage: Storage, passphrase: Secret) -> Unlocked:
    """Write the config that is missing behind a key of ours; VaultExists when none is."""
    for key_id, key_file in key_files(storage):
        master = unwrap(f"{KEYS}/{key_id}", key_file, passphrase)
        if master is None:
            continue
        try:
            storage.put(CONFIG, Sealer(master).seal(encode_config(new_config())))
        except FileExists:
            # Somebody else was faster; theirs is opened like any other.
            return unlock(storage, passphrase)
        return unlock(storage, passphrase)
    raise VaultExists(place=storage.place)


def fingerprint_of(master: MasterKey) -> str:
    """Tells two keys apart and says nothing about either: the key is random bytes."""
    return hashlib.sha256(b"holdfast repository key\0" + master.to_bytes()).hexdigest()


def add_recovery_key(repository: Repository, file: str, *, cost: KeyCost | None) -> None:
    """A second passphrase, on paper for the safe. Again with the same file: nothing new.

    The file comes first: a key that nobody can type would be worth nothing.
    """
    known = _read_recovery(file)
    if known is None:
        known = generate_passphrase()
        _write_recovery(file, repository, known)
    for key_id, key_file in key_files(repository.storage):
        if unwrap(f"{KEYS}/{key_id}", key_file, known) is not None:
            return
    add(repository, known, cost=cost)


def _read_recovery(file: str) -> Secret | None:
    content = read_if_there(file)
    if content is None:
        return None
    lines = content.decode(errors="replace").splitlines()
    if not lines or not lines[0].startswith(_RECOVERY_HEAD):
        raise RecoveryFileTaken(file=file)
    found = [line.removeprefix("key:").strip() for line in lines if line.startswith("key:")]
    if len(found) != 1:
        raise RecoveryFileTaken(file=file)
    return Secret(found[0].encode())


def _write_recovery(file: str, repository: Repository, key: Secret) -> None:
    lines = [
        f"{_RECOVERY_HEAD} of repository {repository.id}",
        f"made: {repository.clock.now():%Y-%m-%d %H:%M %Z}",
        f"key: {key.reveal().decode()}",
        "It opens the repository like the passphrase does. Print it, lock it away, delete this file.",
    ]
    fresh = f"{file}.part"
    with open(fresh, "wb", opener=_private) as stream:
        stream.write(("\n".join(lines) + "\n").encode())
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(fresh, file)
    sync_folder(os.path.dirname(os.path.abspath(file)))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
