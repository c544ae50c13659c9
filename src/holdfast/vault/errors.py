"""What can be wrong with a vault, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_

_REPAIR = N_("Run `holdfast check` to learn what is damaged, then `holdfast vault repair`.")


class NoVault(HoldfastError):
    code = "no-vault"
    sentence = N_("There is no vault at {place}")
    remedy = N_("Check the location, or run `holdfast vault create {place}` to make one there.")
    exit_status = Exit.NO_VAULT
    source_codes = ("0x80070003",)


class VaultExists(HoldfastError):
    code = "vault-exists"
    sentence = N_("There already is a vault at {place}")
    remedy = N_("Use it as it is, or name an empty place for the new one.")


class VersionNotSupported(HoldfastError):
    code = "vault-version"
    sentence = N_("The vault at {place} has format version {version}, we read version 2")
    remedy = N_("Run `restic migrate upgrade_repo_v2` on it, or update Holdfast.")


class WrongPassphrase(HoldfastError):
    code = "wrong-passphrase"
    sentence = N_("The passphrase opens none of the {keys} keys of {place}")
    remedy = N_("Give the passphrase of this vault with --passphrase-file.")
    exit_status = Exit.WRONG_PASSPHRASE
    source_codes = ("34506",)


class KeyUnreadable(HoldfastError):
    code = "key-unreadable"
    sentence = N_("The key file {name} cannot be used: {reason}")
    remedy = N_("Open the vault with another passphrase, or restore this key file from a copy.")
    exit_status = Exit.DAMAGE


class LastPassphrase(HoldfastError):
    code = "last-passphrase"
    sentence = N_("{name} is the key this command was opened with, or the last one")
    remedy = N_("Add another passphrase first and open the vault with that one.")


class EnvelopeBroken(HoldfastError):
    code = "envelope-broken"
    sentence = N_("{what} is damaged: its authentication code does not match")
    remedy = _REPAIR
    exit_status = Exit.DAMAGE


class FileUnreadable(HoldfastError):
    code = "vault-file-unreadable"
    sentence = N_("The vault file {name} is damaged: {reason}")
    remedy = _REPAIR
    exit_status = Exit.DAMAGE


class PackHeaderBroken(HoldfastError):
    code = "pack-header-broken"
    sentence = N_("The header of pack {pack} is damaged at byte {offset}: {reason}")
    remedy = _REPAIR
    exit_status = Exit.DAMAGE


class BlobMissing(HoldfastError):
    code = "blob-missing"
    sentence = N_("The {kind} blob {blob} is in no index of the vault")
    remedy = _REPAIR
    exit_status = Exit.DAMAGE


class BlobBroken(HoldfastError):
    code = "blob-broken"
    sentence = N_("The {kind} blob {blob} in pack {pack} is damaged: {reason}")
    remedy = _REPAIR
    exit_status = Exit.DAMAGE


class TreeBroken(HoldfastError):
    code = "tree-broken"
    sentence = N_("The tree {tree} cannot be read: {reason}")
    remedy = _REPAIR
    exit_status = Exit.DAMAGE


class SnapshotMissing(HoldfastError):
    code = "point-missing"
    sentence = N_("No recovery point matches {wanted}")
    remedy = N_("Run `holdfast points` to see what there is.")


class SnapshotAmbiguous(HoldfastError):
    code = "point-ambiguous"
    sentence = N_("{wanted} is the beginning of {count} recovery points")
    remedy = N_("Give more digits of the id; `holdfast points` shows them.")
    exit_status = Exit.USAGE


class VaultLocked(HoldfastError):
    code = "vault-locked"
    sentence = N_("{place} is locked by {holder} since {since:%Y-%m-%d %H:%M}")
    remedy = N_("Wait for it, or run `holdfast vault unlock` if that process is gone.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class LockLost(HoldfastError):
    code = "lock-lost"
    sentence = N_("Our lock on {place} could not be refreshed since {since:%H:%M}")
    remedy = N_("Check the connection to the vault, then run the same command again.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER
