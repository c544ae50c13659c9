"""What server and agent say of a job in the same words."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class AnotherJobInProgress(HoldfastError):
    """Recorded with the job that was left out; nobody has failed."""

    code = "another-job-in-progress"
    sentence = N_("Another job is in progress on this source since {since}: {job}")
    remedy = N_("Nothing is to be done: the other one does the work. See `holdfast jobs {job}`.")


class TypedKeyGone(HoldfastError):
    """It was in memory only, as whoever typed it was promised."""

    code = "typed-key-gone"
    sentence = N_("The passphrase that was typed for this is not there any more")
    remedy = N_("Log in, type it again, and order the same once more.")
    exit_status = Exit.WRONG_PASSPHRASE
