"""What the doctor's own commands can meet."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class BundleUnreadable(HoldfastError):
    code = "bundle-unreadable"
    sentence = N_("{file} cannot be read as a bundle or archive: {reason}")
    remedy = N_("Check that the file is complete; a single log or listing can be given as it is.")
    exit_status = Exit.USAGE
