"""What the server refuses about recovery plans."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class PlanNeedsHost(HoldfastError):
    """Who may change a plan on the server must not command every machine."""

    code = "plan-needs-host"
    sentence = N_("The plan {plan} does `{action}` ({kind}), which a server does on no host")
    remedy = N_(
        "Apply it on the recovery host, `holdfast plan apply FILE`, and run it there: "
        "`holdfast jobs run HOST plan-run --plan {plan}`. A server runs plans of machines and "
        "questions."
    )
    exit_status = Exit.USAGE


class PlanNotRunning(HoldfastError):
    code = "plan-not-running"
    sentence = N_("The run {job} of a plan is over, or is none")
    remedy = N_("`holdfast jobs --kind recovery-plan` lists the runs of plans.")
    exit_status = Exit.USAGE


class PlanStillRuns(HoldfastError):
    code = "plan-still-runs"
    sentence = N_("The run {job} of the plan is not over")
    remedy = N_("Answer what it asks, or end it: `holdfast jobs cancel {job}`.")
    exit_status = Exit.LOCKED
