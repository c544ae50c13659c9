"""What the control plane refuses, and why. The API turns each into a problem of its status."""

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_


class NotLoggedIn(HoldfastError):
    code = "not-logged-in"
    sentence = N_("The server does not know who asks: {reason}")
    remedy = N_("Log in: `holdfast login {server}`.")


class NotAllowed(HoldfastError):
    code = "not-allowed"
    sentence = N_("{actor} may not do this: it needs the right '{right}' on {object}")
    remedy = N_("Ask an administrator for a role that has this right: `holdfast server grant`.")
    source_codes = ("403",)


class NotThere(HoldfastError):
    code = "not-there"
    sentence = N_("There is no {what} '{name}' here")
    remedy = N_("See what there is with the list command of the same name.")


class AlreadyThere(HoldfastError):
    code = "already-there"
    sentence = N_("A {what} named '{name}' is already there")
    remedy = N_("Choose another name.")


class RequestMalformed(HoldfastError):
    code = "request-malformed"
    sentence = N_("The request is not as it should be: {reason}")
    remedy = N_("Compare it with the API's description: `{server}/api/v1/openapi.json`.")


class RequestTooLarge(HoldfastError):
    code = "request-too-large"
    sentence = N_("The request has more than {most} bytes")
    remedy = N_("Send less at once.")


class RouteUnknown(HoldfastError):
    code = "route-unknown"
    sentence = N_("The server knows nothing of {method} {path}")
    remedy = N_("Compare it with the API's description: `{server}/api/v1/openapi.json`.")


class ChangedMeanwhile(HoldfastError):
    code = "changed-meanwhile"
    sentence = N_("Another request changed the same thing at the same time")
    remedy = N_("Look at it as it is now, and ask again if need be.")
    retry = Retry.NOW


class StateAway(HoldfastError):
    """What callers are told of a database that does not answer: its address is not theirs."""

    code = "server-state-away"
    sentence = N_("The server cannot reach its own state at the moment")
    remedy = N_("Try again in a minute; the server's log and /readyz say what is missing.")
    retry = Retry.LATER


class ServerFault(HoldfastError):
    code = "server-fault"
    sentence = N_("The server ran into something that nobody thought of")
    remedy = N_("Look into the server's log for this moment, and report it with what it says.")


class IdempotencyKeyNotGood(HoldfastError):
    code = "idempotency-key-not-good"
    sentence = N_("An idempotency key has 1 to {most} printable characters")
    remedy = N_("Send a random one, for example a UUID.")


class IdempotencyKeyReused(HoldfastError):
    """A key means one request: another one under the same key is a program's mistake."""

    code = "idempotency-key-reused"
    sentence = N_("The idempotency key {key} was sent before, with another request")
    remedy = N_("Send a new key with every new request, and the same one only when repeating it.")


class IdempotencyUnderWay(HoldfastError):
    code = "idempotency-under-way"
    sentence = N_("The request with the idempotency key {key} is still being worked on")
    remedy = N_("Repeat it in a moment with the same key.")
    retry = Retry.LATER
