"""What the server refuses about recovery plans."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class PlanNeedsHost(HoldfastError):
    """Who may change a plan on the server must not command every machine."""

    code = "plan-needs-host"
    sentence = N_("The plan {plan} does `{action}` ({kind}), which a server does on no host")
    remedy = N_(
        "Let the host's administrator put it into the folder plan-scripts of that host, and write "
        "`host-script: NAME`; or apply the plan on the recovery host, `holdfast plan apply FILE`, "
        "and run it there: `holdfast jobs run HOST plan-run --plan {plan}`."
    )
    exit_status = Exit.USAGE


class PlanTokenNeedsHost(HoldfastError):
    """A path that somebody else writes down would be read with the rights of the server."""

    code = "plan-token-needs-host"
    sentence = N_("The plan {plan} lets `{action}` send a file, which a server does not do")
    remedy = N_(
        "Take `token-file:` out, and let the server's administrator keep the token in "
        "webhook-tokens/{host} of the server's folder: it is sent to that host over https."
    )
    exit_status = Exit.USAGE


class PlanHostNotNamed(HoldfastError):
    code = "plan-host-not-named"
    sentence = N_("The plan {plan} does not say on which host the script {name} of a group runs")
    remedy = N_("Add `host: NAME` to it, a host that `holdfast vault machines` names.")
    exit_status = Exit.USAGE


class PlanHostUnknown(HoldfastError):
    code = "plan-host-unknown"
    sentence = N_("No host {host} is registered that the script {name} could run on")
    remedy = N_("`holdfast vault machines` names those there are; correct `host:` in the plan.")
    exit_status = Exit.USAGE


class WebhookForbidden(HoldfastError):
    """The server would ask itself, or a cloud for its secrets, in the name of who wrote the plan."""

    code = "plan-webhook-forbidden"
    sentence = N_("The server sends nothing to {address}: {reason}")
    remedy = N_(
        "Give it an address that others have as well. For a service on the server itself its "
        'administrator says `webhook-networks = ["127.0.0.0/8"]` in its config.toml.'
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
