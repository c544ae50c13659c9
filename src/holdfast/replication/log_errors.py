"""What can be wrong with a change log."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class LogTorn(HoldfastError):
    """It ends too early, and may have been whole if more of it had come."""

    code = "change-log-torn"
    sentence = N_("The change log {path} ends at {end}, in the middle of {part}")
    remedy = N_("It is sent again by itself from where it ends; see that both sites have room.")
    exit_status = Exit.DAMAGE
    retry = Retry.LATER


class LogDamaged(HoldfastError):
    """It is not what a sound program has written; nothing of it may be used."""

    code = "change-log-damaged"
    sentence = N_("The change log {path} is damaged: {reason}")
    remedy = N_(
        "Look at the storage it lies on with `dmesg`, then run `holdfast replication resync` "
        "for the machine."
    )
    exit_status = Exit.DAMAGE


class LogNewer(HoldfastError):
    code = "change-log-newer"
    sentence = N_("The change log {path} was written by a newer Holdfast (version {version})")
    remedy = N_("Update Holdfast at the site that takes the replica in; it goes on by itself.")
    retry = Retry.LATER


class LogUnreadable(HoldfastError):
    code = "change-log-unreadable"
    sentence = N_("The change log {path} cannot be read: {reason}")
    remedy = N_("Look at the storage it lies on with `dmesg`, and at who may read there.")
    retry = Retry.LATER


class LogUnwritable(HoldfastError):
    code = "change-log-unwritable"
    sentence = N_("The change log {path} cannot be written: {reason}")
    remedy = N_("Look at the storage it lies on with `dmesg`, and at who may write there.")
    retry = Retry.LATER


class LogFull(HoldfastError):
    code = "change-log-full"
    sentence = N_("There is no room left for the change log {path}: {reason}")
    remedy = N_("Free space there; until then changes are only recorded, and nothing is lost.")
    retry = Retry.LATER


class LogsDoNotFollow(HoldfastError):
    """One cannot be put upon the other: a fault of ours, found before it does harm."""

    code = "change-logs-do-not-follow"
    sentence = N_("The change log {newer} cannot be merged onto {older}: {reason}")
    remedy = N_("Run `holdfast replication resync` for the machine.")
