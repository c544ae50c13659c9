"""The error for what nobody foresaw."""

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_


class Unexpected(HoldfastError):
    """A mistake of ours, not of the person at the keyboard."""

    code = "unexpected"
    sentence = N_("Something happened that we did not foresee: {kind}: {reason}")
    remedy = N_(
        "Please report it, with what the same command prints with -v added; "
        "the vault itself is not harmed by it."
    )
