"""The passphrases that open a vault: list, add, change, remove.

All of them open the same master key. Whoever once had it can read what they copied, so removing a
passphrase keeps people out of the vault, not out of copies of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from holdfast.app.locking import held
from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, KeyId
from holdfast.base.secret import Secret
from holdfast.vault.errors import LastPassphrase
from holdfast.vault.keys import KeyCost, parse_key_file, unwrap
from holdfast.vault.layout import KEYS
from holdfast.vault.lock_file import Lock
from holdfast.vault.opening import add_passphrase, key_files, remove_passphrase
from holdfast.vault.repository import Repository
from holdfast.vault.upkeep_errors import (
    FormerPassphraseStays,
    PassphraseAmbiguous,
    PassphraseMissing,
    PassphraseUnproven,
)

_SHORT = 8
Waiting = Callable[[Lock], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passphrase:
    """One key file; who made it and when is what its maker wrote there."""

    id: KeyId
    created: str
    username: str
    hostname: str
    # The one this command was opened with.
    is_current: bool


def _wait_silently(_: Lock) -> None:
    """Tell nobody."""


def _keep_nothing() -> None:
    """It is kept in somebody's head."""


def list_passphrases(repository: Repository) -> list[Passphrase]:
    """All that can be used, oldest first."""
    found = [
        Passphrase(
            id=key_id,
            created=key_file.created,
            username=key_file.username,
            hostname=key_file.hostname,
            is_current=key_id == repository.key_id,
        )
        for key_id, key_file in key_files(repository.storage)
    ]
    return sorted(found, key=lambda passphrase: (passphrase.created, passphrase.id))


def add(repository: Repository, passphrase: Secret, *, cost: KeyCost | None = None) -> KeyId:
    """Let another passphrase open the vault; it is proven to do so."""
    with held(repository):
        return _add_proven(repository, passphrase, cost)


def change(
    repository: Repository,
    passphrase: Secret,
    *,
    cost: KeyCost | None = None,
    wait: timedelta = timedelta(0),
    waiting: Waiting = _wait_silently,
    take_up: Callable[[], None] = _keep_nothing,
) -> KeyId:
    """Put a new passphrase in the place of the one this vault was opened with.

    The old one goes last, so at every moment at least one of them opens the vault. `take_up` is
    called while both do: whoever keeps the passphrase somewhere keeps the new one from then on.
    """
    with held(repository, exclusive=True, wait=wait, waiting=waiting) as lock:
        fresh = _add_proven(repository, passphrase, cost)
        lock.check()
        former, repository.key_id = repository.key_id, fresh
        take_up()
        try:
            remove_passphrase(repository.storage, former, opened_with=fresh)
        except HoldfastError as err:
            raise FormerPassphraseStays(id=former[:_SHORT], reason=err) from err
        return fresh


def remove(
    repository: Repository,
    wanted: str,
    *,
    wait: timedelta = timedelta(0),
    waiting: Waiting = _wait_silently,
) -> KeyId:
    """Remove a passphrase by the beginning of its id, but never the one in use.

    Alone: two who remove each other's at the same moment would lock the vault for good.
    """
    with held(repository, exclusive=True, wait=wait, waiting=waiting) as lock:
        key_id = find(repository, wanted)
        if repository.key_id not in {known.id for known in list_passphrases(repository)}:
            # Somebody has removed ours since; this one may be the last that opens the vault.
            raise LastPassphrase(name=key_id)
        lock.check()
        remove_passphrase(repository.storage, key_id, opened_with=repository.key_id)
        return key_id


def find(repository: Repository, wanted: str) -> KeyId:
    """The one passphrase whose id begins so."""
    digits = wanted.lower()
    found = [name for name in _names(repository) if digits and name.startswith(digits)]
    if not found:
        raise PassphraseMissing(place=repository.storage.place, wanted=wanted)
    if len(found) > 1:
        raise PassphraseAmbiguous(wanted=wanted, count=len(found))
    return found[0]


def _names(repository: Repository) -> list[KeyId]:
    """Also of key files that cannot be used: they are to be removable."""
    return [KeyId(name) for name in repository.files.names(KEYS)]


def _add_proven(repository: Repository, passphrase: Secret, cost: KeyCost | None) -> KeyId:
    storage = repository.storage
    key_id = add_passphrase(
        storage,
        repository.files.master,
        passphrase,
        identity=repository.identity,
        clock=repository.clock,
        cost=cost,
    )
    # From the storage, not from memory: what counts is what lies there.
    name = f"{KEYS}/{key_id}"
    master = unwrap(name, parse_key_file(name, storage.get(name)), passphrase)
    if master is None or master.to_bytes() != repository.files.master.to_bytes():
        raise PassphraseUnproven(place=storage.place)
    return KeyId(FileId(key_id))
