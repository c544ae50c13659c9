"""Why a machine that was failed over to this host was not started again with it."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class NotStartedWithHost(HoldfastError):
    code = "recovery-not-started-with-host"
    sentence = N_(
        "{about} ran here until this host went down, and is not started again by itself: {reason}"
    )
    remedy = N_(
        "Look at both hosts: `holdfast failover status {about}`. If you know that it runs nowhere "
        "else: `holdfast failover start {about} --force`."
    )
    exit_status = Exit.DECIDE
    retry = Retry.LATER
