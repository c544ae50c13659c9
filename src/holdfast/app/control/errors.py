"""What the control plane refuses, and why. The API turns each into a problem of its status."""

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_


class NotLoggedIn(HoldfastError):
    code = "not-logged-in"
    sentence = N_("The server does not know who asks: {reason}.")
    remedy = N_("Log in: `holdfast login --server {server}`.")


class NotAllowed(HoldfastError):
    code = "not-allowed"
    sentence = N_("{actor} may not do this: it needs the right '{right}' on {object}.")
    remedy = N_("Ask an administrator for a role that has this right: `holdfast server grant`.")
    source_codes = ("403",)


class NotThere(HoldfastError):
    code = "not-there"
    sentence = N_("There is no {what} '{name}' here.")
    remedy = N_("See what there is with the list command of the same name.")


class AlreadyThere(HoldfastError):
    code = "already-there"
    sentence = N_("A {what} named '{name}' is already there.")
    remedy = N_("Choose another name.")
