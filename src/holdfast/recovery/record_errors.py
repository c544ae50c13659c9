"""What can be wrong with the record of a recovery."""

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_


class RecordUnreadable(HoldfastError):
    code = "recovery-record-unreadable"
    sentence = N_("The record of the recovery does not read: {path}: {reason}")
    remedy = N_(
        "It says on which host the machine may run, so nothing is started without it. Bring the file "
        "back from a backup of this host; or make sure that the machine runs nowhere else, remove the "
        "file, and say anew what is to be done."
    )


class RecordNewer(HoldfastError):
    code = "recovery-record-newer"
    sentence = N_("The record {path} was written by a newer release (version {version})")
    remedy = N_("Update Holdfast on this host to the release the other one has.")


class RecordMissing(HoldfastError):
    code = "recovery-record-missing"
    sentence = N_("There is no record of a recovery at {path}")
    remedy = N_("`holdfast failover status` shows the machines this host has one of.")
