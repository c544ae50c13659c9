"""What is refused around alerts."""

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_


class TargetNotUnderstood(HoldfastError):
    code = "alert-target-not-understood"
    sentence = N_("'{scheme}' leads to no service that alerts could be sent to")
    remedy = N_(
        "Give a URL such as mailtos://user:password@host, ntfy://topic or json://host/path; "
        "apprise's documentation lists all of them."
    )


class TargetForbidden(HoldfastError):
    """The server would ask itself, or a cloud for its secrets, in the name of who added the target."""

    code = "alert-target-forbidden"
    sentence = N_("The server sends nothing to {address}: {reason}")
    remedy = N_(
        "Give it an address that others have as well. For a service on the server itself its "
        'administrator says `webhook-networks = ["127.0.0.0/8"]` in its config.toml.'
    )


class TargetUnreachable(HoldfastError):
    code = "alert-target-unreachable"
    sentence = N_("The alert target {name} did not take the test message")
    remedy = N_("Check its URL, the password in it and the way there, and try again.")


class SecurityCannotBeSilenced(HoldfastError):
    code = "security-alert-not-silenced"
    sentence = N_("Alerts of the kind {kind} are about security and cannot be silenced")
    remedy = N_("Silence another kind, or take the target away.")


class SummaryTimeWrong(HoldfastError):
    code = "summary-time-wrong"
    sentence = N_("'{time}' is no time of the day")
    remedy = N_("Write it as clocks with 24 hours show it, for example 08:00.")


class AlertKindUnknown(HoldfastError):
    code = "alert-kind-unknown"
    sentence = N_("There is no kind of alert named {kind}")
    remedy = N_("Kinds are: {known}.")
