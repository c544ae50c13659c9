"""What can keep a machine from moving to its site while it runs; it goes on where it was."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_

_COLD = N_(
    "It goes on at its own host as if nothing had been, and so does its replication. Try again; or "
    "move it with a shut-down: `holdfast failover {about} --planned`."
)


class LiveNotRunning(HoldfastError):
    code = "live-not-running"
    sentence = N_("{about} does not run at its own host, so it cannot move while it runs")
    remedy = N_("Move it as it is: `holdfast failover {about} --planned`.")


class LiveUnfit(HoldfastError):
    code = "live-unfit"
    sentence = N_("{about} cannot move while it runs: {reason}")
    remedy = N_("Move it with a shut-down: `holdfast failover {about} --planned`.")


class LiveFailed(HoldfastError):
    code = "live-failed"
    sentence = N_("{about} did not get to the site while it ran: {reason}")
    remedy = _COLD
    retry = Retry.LATER


class LiveInterrupted(HoldfastError):
    code = "live-interrupted"
    sentence = N_("{about} was on its way when Holdfast was ended at its own host")
    remedy = _COLD
    retry = Retry.NOW


class LiveNotShipped(HoldfastError):
    code = "live-not-shipped"
    sentence = N_("What {about} had changed did not get to the site within {seconds} seconds")
    remedy = _COLD
    retry = Retry.LATER


class LiveGivenUp(HoldfastError):
    code = "live-given-up"
    sentence = N_("The site of {about} was silent while it was on its way")
    remedy = _COLD
    retry = Retry.LATER


class LiveSourceSilent(HoldfastError):
    """At the site."""

    code = "live-source-silent"
    sentence = N_("The host of {about} did not say for {seconds} seconds how far it is")
    remedy = N_(
        "See that `holdfast replication run` is at work there; then run the same command again. If "
        "that host is gone for good: `holdfast failover {about} --unplanned`."
    )
    retry = Retry.LATER


class LiveSourceRefuses(HoldfastError):
    """At the site: what the source has said, in its own words."""

    code = "live-source-refuses"
    sentence = N_("At the host of {about}: {said}")
    remedy = "{advice}"
    retry = Retry.LATER


class LiveArrivedOdd(HoldfastError):
    code = "live-arrived-odd"
    sentence = N_("{about} left its own host and is not here: {reason}")
    remedy = N_(
        "Nothing it had written is lost: it is off at its own host. Give it back, and it is started "
        "there: `holdfast failover undo {about}`."
    )
    exit_status = Exit.DECIDE
