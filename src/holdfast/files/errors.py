"""What can stop a backup or restore as a whole."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


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
