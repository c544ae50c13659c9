"""Why a source that was asked for once more did not hand a machine over; the act goes on."""

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_


class SourceNoAnswer(HoldfastError):
    code = "failover-source-no-answer"
    sentence = N_("The host of {about} does not answer")
    remedy = N_(
        "If it is only cut off from this site, mend that, and run the same command again: nothing "
        "is lost then. If it is gone, go on without it: `holdfast failover {about} --unplanned`."
    )
    retry = Retry.LATER


class SourceTooSlow(HoldfastError):
    code = "failover-source-too-slow"
    sentence = N_("The host of {about} did not bring what is missing within {seconds:g} s")
    remedy = N_(
        "Give it more time with --shutdown-within; `holdfast replication status {about}` there "
        "says what it waits for."
    )
    retry = Retry.LATER
