"""What can keep the doctor from its work: things that cannot be read, wishes that mean nothing."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class DoctorInputMissing(HoldfastError):
    code = "doctor-input-missing"
    sentence = N_("{path} cannot be read: {reason}")
    remedy = N_("Correct the path; `-` reads what is piped in.")
    exit_status = Exit.USAGE


class DoctorLimitUnknown(HoldfastError):
    """A misspelt limit that were ignored would leave the old one in force, unseen."""

    code = "doctor-limit-unknown"
    sentence = N_("{given} sets no limit of the catalogue")
    remedy = N_("Write CAUSE.LIMIT=VALUE, as in one of these: {known}.")
    exit_status = Exit.USAGE


class DoctorSuppressionWrong(HoldfastError):
    """Suppressing for ever and without a reason is how real faults get lost."""

    code = "doctor-suppression-wrong"
    sentence = N_("{where}: this suppresses nothing: {reason}")
    remedy = N_("Name a cause of the catalogue, a reason, and a day until which it holds.")
    exit_status = Exit.USAGE


class DoctorFailed(HoldfastError):
    """Not the machine is ill but its doctor; nothing is said about the machine."""

    code = "doctor-failed"
    sentence = N_("The doctor itself failed: {kind}: {reason}")
    remedy = N_("Report it with the text above and, if you may, with the file it was reading.")
    exit_status = 4


class CauseUnknown(HoldfastError):
    code = "cause-unknown"
    sentence = N_("{asked} is no cause of the catalogue")
    remedy = N_("Take the code of a finding, as in HF-VL001; `holdfast doctor` shows them.")
    exit_status = Exit.USAGE


class CauseNotProven(HoldfastError):
    """Mending what is not broken breaks it."""

    code = "cause-not-proven"
    sentence = N_("{cause} is not proven on this host at this moment: {state}")
    remedy = N_(
        "Run `holdfast doctor` to see what is; a remedy is only for a cause that is proven."
    )
    exit_status = 6


class ConsentMissing(HoldfastError):
    code = "consent-missing"
    sentence = N_("The remedy for {cause} is of the kind {risk}, and nobody consented to that")
    remedy = N_(
        "Read the plan. Add `--allow disruptive`, or `--allow destructive --confirm CAUSE`; what "
        "only a person can do stays with you."
    )
    exit_status = 6


class RightsMissing(HoldfastError):
    code = "rights-missing"
    sentence = N_("Only root may mend {cause}")
    remedy = N_("Run the same command as root, for example with sudo.")
    exit_status = 6
