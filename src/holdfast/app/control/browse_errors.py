"""What can be in the way of somebody who looks into recovery points from afar, and restores."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class MachineNotListening(HoldfastError):
    """Its agent does not come for questions: it is off, not reached, or too old."""

    code = "machine-not-listening"
    sentence = N_("The agent of '{machine}' does not answer, and only it can look into its points")
    remedy = N_(
        "See that it runs (`holdfast agent status` there) and is no older than the server; of "
        "several servers, all have to run and to be of one version. "
        "If the machine is lost, read its points through another machine of the vault, "
        "with its passphrase."
    )
    retry = Retry.LATER


class AnswerNotCome(HoldfastError):
    code = "answer-not-come"
    sentence = N_("'{machine}' took the question, but did not answer within {seconds} seconds")
    remedy = N_("Ask once more; a vault far away is slow at the first look only.")
    retry = Retry.LATER


class MachineSaid(HoldfastError):
    """What the machine's own command says, with its own remedy."""

    code = "machine-said"
    sentence = N_("'{machine}' says: {message} ({said})")
    remedy = N_("{advice}")


class AnswerNotUnderstood(HoldfastError):
    code = "answer-not-understood"
    sentence = N_("'{machine}' answered something that no agent answers: {reason}")
    remedy = N_("Bring agent and server to neighbouring versions.")


class AnswerTooLong(HoldfastError):
    """Between servers; a person reads it as what the machine said."""

    code = "answer-too-long"
    sentence = N_("The answer is too long to be passed from one server to another")
    remedy = N_("Ask for less at once: open a folder further down, or search for a longer name.")


class TooManyQuestions(HoldfastError):
    code = "too-many-questions"
    sentence = N_("Too many people look into recovery points at this moment")
    remedy = N_("Ask again in a moment.")
    retry = Retry.LATER


class PathNotUnderstood(HoldfastError):
    code = "path-not-understood"
    sentence = N_("'{path}' is no path inside a recovery point")
    remedy = N_("Give one as the list of a folder shows it, from the root: /srv/www.")
    exit_status = Exit.USAGE


class UnlockRefused(HoldfastError):
    code = "unlock-refused"
    sentence = N_("The passphrase does not open the recovery points of '{machine}'")
    remedy = N_(
        "Type the passphrase that was chosen when that machine was registered; "
        "its recovery kit has it. Nobody can look into the points without it."
    )
    exit_status = Exit.WRONG_PASSPHRASE


class UnlockGone(HoldfastError):
    """It was another login's, or has expired: nothing of it is kept."""

    code = "unlock-gone"
    sentence = N_("No passphrase of '{machine}' is at hand for this login")
    remedy = N_("Type it again: it is kept in memory only, until you log out.")


class RestoreNotUnderstood(HoldfastError):
    code = "restore-not-understood"
    sentence = N_("This cannot be restored so: {reason}")
    remedy = N_("Compare it with docs/howto/browse-and-restore.md.")
    exit_status = Exit.USAGE
