"""Why the doctor of the server does not read what somebody hands over."""

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_


class NothingToDiagnose(HoldfastError):
    code = "nothing-to-diagnose"
    sentence = N_("The doctor was given neither a text or file nor a symptom")
    remedy = N_("Hand over a log, a listing or a bundle, or name a code or message that was seen.")


class TooMuchToDiagnose(HoldfastError):
    code = "too-much-to-diagnose"
    sentence = N_("The doctor takes {files} files and {size} at once, and this is more")
    remedy = N_(
        "Hand over what is about the fault, packed as one archive; "
        "`holdfast doctor diagnose FILE` on a machine knows no such limit."
    )


class DoctorHoldsYours(HoldfastError):
    """Of this account; the room of the others is left to them."""

    code = "doctor-holds-yours"
    sentence = N_("What you handed over to the doctor and it has not read may take {size}")
    remedy = N_(
        "Let it read what is there, or close those pages and try again in a minute; "
        "`holdfast doctor diagnose FILE` on a machine knows no such limit."
    )
    retry = Retry.LATER


class DoctorFull(HoldfastError):
    code = "doctor-full"
    sentence = N_("What was handed over to the doctor and is not read yet may take {size}")
    remedy = N_("Try again in a minute, or run `holdfast doctor diagnose FILE` on a machine.")
    retry = Retry.LATER


class DoctorBusy(HoldfastError):
    code = "doctor-busy"
    sentence = N_("The doctor of this server reads for {count} others at the moment")
    remedy = N_("Try again in a minute, or run `holdfast doctor diagnose FILE` on a machine.")
    retry = Retry.LATER


class DoctorTooSlow(HoldfastError):
    """What takes so long is no log as programs write it; the server has other work to do."""

    code = "doctor-too-slow"
    sentence = N_("What was handed over could not be read within {seconds} seconds")
    remedy = N_(
        "Hand over less at once, as the log of the day of the fault; "
        "`holdfast doctor diagnose FILE` on a machine takes the time it needs."
    )
