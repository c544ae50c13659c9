"""What can be wrong with the server's keys and with requests for certificates."""

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_


class SigningRequestRefused(HoldfastError):
    code = "signing-request-refused"
    sentence = N_("The certificate signing request is no good: {reason}")
    remedy = N_("Make a new one with a key on the curve P-256: `holdfast agent renew`.")


class ServerKeyMissing(HoldfastError):
    code = "server-key-missing"
    sentence = N_("The certificate {certificate} is there, but its key {key} is not")
    remedy = N_(
        "Bring the key back from `holdfast server export`; "
        "without it every machine has to be registered again."
    )


class ServerKeyUnreadable(HoldfastError):
    code = "server-key-unreadable"
    sentence = N_("The key or certificate {file} cannot be used: {reason}")
    remedy = N_("Bring it back from `holdfast server export`, with `holdfast server import FILE`.")
