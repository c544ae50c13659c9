"""What can go wrong with a storage, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class FileMissing(HoldfastError):
    code = "file-missing"
    sentence = N_("{place} has no file {name}")
    remedy = N_("Run `holdfast check` to learn what is damaged, then `holdfast vault repair`.")
    exit_status = Exit.DAMAGE


class FileExists(HoldfastError):
    code = "file-exists"
    sentence = N_("{place} already has a file {name}")
    remedy = N_("Nothing is lost: the old file was kept. Use another name or another place.")


class FileTooShort(HoldfastError):
    code = "file-too-short"
    sentence = N_("{name} in {place} ends after {seen} bytes, {wanted} were expected")
    remedy = N_("Run `holdfast check` to learn what is damaged, then `holdfast vault repair`.")
    exit_status = Exit.DAMAGE


class StorageUnavailable(HoldfastError):
    code = "storage-unavailable"
    sentence = N_("{place} does not answer: {reason}")
    remedy = N_("Check the network and the address, then run the same command again.")
    retry = Retry.LATER


class StorageFull(HoldfastError):
    code = "storage-full"
    sentence = N_("{place} has no room for {name}: {reason}")
    remedy = N_("Free space there or run `holdfast prune`, then run the same command again.")


class StorageDenied(HoldfastError):
    code = "storage-denied"
    sentence = N_("{place} refuses access to {name}: {reason}")
    remedy = N_("Check owner and permissions of the place, or the account's rights.")


class StorageBroken(HoldfastError):
    code = "storage-broken"
    sentence = N_("{place} reports a device error for {name}: {reason}")
    remedy = N_("Look at `dmesg` and the disk's health; copy the vault away before you repair it.")
    exit_status = Exit.DAMAGE
