"""What can stop a backup or restore as a whole."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class WorkerDied(HoldfastError):
    code = "worker-died"
    sentence = N_("A worker process ended unexpectedly: {reason}")
    remedy = N_("Look for the out-of-memory killer in `dmesg`, then run the same command again.")
    retry = Retry.LATER


class NothingToProtect(HoldfastError):
    code = "nothing-to-protect"
    sentence = N_("{path} cannot be backed up: {reason}")
    remedy = N_("Name files or folders that exist and that you may read.")
    exit_status = Exit.USAGE
    source_codes = ("0x80070003",)


class PatternsUnreadable(HoldfastError):
    code = "patterns-unreadable"
    sentence = N_("The exclude patterns in {path} cannot be read: {reason}")
    remedy = N_("Name a file with patterns, one a line, that exists and that you may read.")
    exit_status = Exit.USAGE
