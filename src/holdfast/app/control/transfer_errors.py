"""What can be wrong with an export of the server's state."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class ExportFileThere(HoldfastError):
    code = "export-file-there"
    sentence = N_("{file} is already there")
    remedy = N_("Choose another name: an export never replaces an older one.")


class ExportUnreadable(HoldfastError):
    code = "export-unreadable"
    sentence = N_("{file} is no whole export of a server's state: {reason}")
    remedy = N_("Take another export; nothing of this one was brought in.")
    exit_status = Exit.DAMAGE


class ExportPassphraseWrong(HoldfastError):
    code = "export-passphrase-wrong"
    sentence = N_("The passphrase does not open {file}, or its beginning is damaged")
    remedy = N_(
        "Give the passphrase that was typed when it was exported: --sealed-with FILE. If it is that "
        "one, take another copy of the file."
    )
    exit_status = Exit.WRONG_PASSPHRASE


class ExportOfOtherVersion(HoldfastError):
    code = "export-of-other-version"
    sentence = N_("{file} has the tables of {found}, this version those of {wanted}")
    remedy = N_("Bring it in with the version that made it, then upgrade.")


class StateNotEmpty(HoldfastError):
    code = "state-not-empty"
    sentence = N_("There is a server's state in {place} already")
    remedy = N_(
        "Bring it into an empty place: set HOLDFAST_HOME to another folder, "
        "or give --database the address of an empty database."
    )
    exit_status = Exit.DECIDE
