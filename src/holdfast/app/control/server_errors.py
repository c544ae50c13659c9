"""What keeps a server from starting."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class ListenNotUnderstood(HoldfastError):
    code = "listen-not-understood"
    sentence = N_("'{given}' is no address to listen at")
    remedy = N_("Write it as HOST:PORT, for example 0.0.0.0:8443 or [::]:8443.")
    exit_status = Exit.USAGE


class ListenRefused(HoldfastError):
    code = "listen-refused"
    sentence = N_("The server cannot listen at {address}: {reason}")
    remedy = N_("Stop what listens there, or choose another address with --listen HOST:PORT.")


class KeysOfAnotherServer(HoldfastError):
    code = "keys-of-another-server"
    sentence = N_(
        "The database {database} belongs to a server whose authority is {known}; "
        "the keys in {folder} are of another one, {found}"
    )
    remedy = N_(
        "Bring the first server's keys here before the first start: "
        "`holdfast server export --keys-only FILE` there, `holdfast server import FILE` here."
    )


class CertificatePairWrong(HoldfastError):
    code = "certificate-pair-wrong"
    sentence = N_(
        "The server cannot use the certificate {certificate} with the key {key}: {reason}"
    )
    remedy = N_(
        "Give --cert the whole chain and --key its key, both as PEM and without a password."
    )


class ServerRunsAlready(HoldfastError):
    code = "server-runs-already"
    sentence = N_("Another server process works with the state in {folder}")
    remedy = N_(
        "Stop it first. Several servers share one PostgreSQL, but each needs a state of its own: "
        "set HOLDFAST_HOME."
    )
    exit_status = Exit.LOCKED


class NoStateHere(HoldfastError):
    code = "no-state-here"
    sentence = N_("There is no server's state in {folder}: {name} is missing")
    remedy = N_("Name the right folder with HOLDFAST_HOME, as the user the server runs as.")
