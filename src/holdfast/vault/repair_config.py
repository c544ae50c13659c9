"""Open a vault whose config is gone or damaged, and give it a new one.

The config holds nothing that data depends on. Its id is lost with it: caches are made anew, and a
client that remembers the old id takes the vault for another one.
"""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.secret import Secret
from holdfast.base.texts import N_
from holdfast.storage.protocol import Storage
from holdfast.vault.config import CONFIG, Config, encode_config, new_config
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.errors import (
    EnvelopeBroken,
    FileUnreadable,
    KeyUnreadable,
    NoVault,
    WrongPassphrase,
)
from holdfast.vault.keys import unwrap
from holdfast.vault.layout import DATA, KEYS, SNAPSHOTS
from holdfast.vault.opening import Unlocked, key_files, open_with


class NoKeyLeft(HoldfastError):
    """The one damage nothing can mend."""

    code = "no-key-left"
    sentence = N_("{place} has no usable key file left; without one nobody can decrypt anything")
    remedy = N_(
        "Put a key file back into the folder keys from any copy of the vault, however old. "
        "If there is none, the content is lost: make a new vault and back up again."
    )
    exit_status = Exit.DAMAGE


def unlock_without_config(storage: Storage, passphrase: Secret) -> tuple[Unlocked, bool]:
    """The vault with its config, or with a new one that is not written yet; and which it is."""
    master, unlocked = _master(storage, passphrase)
    try:
        return open_with(storage, master, unlocked.key_id), True
    except (NoVault, EnvelopeBroken, FileUnreadable):
        return unlocked, False


def replace_config(storage: Storage, unlocked: Unlocked) -> Config:
    """Write the new config. What was there nobody can read, so nothing is lost with it."""
    storage.delete(CONFIG)
    storage.put(CONFIG, Sealer(unlocked.master).seal(encode_config(unlocked.config)))
    return unlocked.config


def _master(storage: Storage, passphrase: Secret) -> tuple[MasterKey, Unlocked]:
    tried = 0
    for key_id, key_file in key_files(storage):
        tried += 1
        try:
            master = unwrap(key_id, key_file, passphrase)
        except KeyUnreadable:
            continue
        if master is not None:
            return master, Unlocked(config=new_config(), master=master, key_id=key_id)
    if tried:
        raise WrongPassphrase(place=storage.place, keys=tried)
    if _is_empty(storage):
        raise NoVault(place=storage.place)
    raise NoKeyLeft(place=storage.place)


def _is_empty(storage: Storage) -> bool:
    return not any(True for folder in (DATA, SNAPSHOTS, KEYS) for _ in storage.list(folder))
