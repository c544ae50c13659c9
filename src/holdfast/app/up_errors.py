"""What keeps `holdfast up` from getting a machine going, each cause with its code."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class ServiceEnded(HoldfastError):
    """A server or agent that we started ended at once."""

    code = "service-ended"
    sentence = N_("The {service} did not start: {reason}")
    remedy = N_("Read the end of {log}, mend what it says, then run `holdfast up` again.")


class ServiceSilent(HoldfastError):
    code = "service-silent"
    sentence = N_("The server runs, but does not answer at {address}: {reason}")
    remedy = N_(
        "See that {address} leads to this machine and that no firewall is between; "
        "its log is {log}. Another name or address is given with --name."
    )
    retry = Retry.LATER


class ServerSettingDiffers(HoldfastError):
    code = "server-setting-differs"
    sentence = N_("{file} says {setting} is {known}, and now it is to be {wanted}")
    remedy = N_("Change it in that file, or run `holdfast up` without --{setting}.")
    exit_status = Exit.DECIDE


class VaultElsewhere(HoldfastError):
    code = "vault-elsewhere"
    sentence = N_("The vault {vault} lies at {known} already, not at {wanted}")
    remedy = N_(
        "Run `holdfast up` without --vault, or make a second vault: "
        "`holdfast vault create --name NAME {wanted}`."
    )
    exit_status = Exit.DECIDE


class MachineElsewhere(HoldfastError):
    code = "machine-elsewhere"
    sentence = N_("This machine is registered with another server, {server}")
    remedy = N_(
        "To run a server here as well, use `holdfast server run`; to change servers, "
        "run `holdfast agent unregister` first."
    )
    exit_status = Exit.DECIDE


class UpNeedsLogin(HoldfastError):
    code = "up-needs-login"
    sentence = N_("The server has accounts already, and nobody is logged in to it here")
    remedy = N_("Log in as an administrator, `holdfast login {server}`, then run it again.")
    exit_status = Exit.DECIDE


class NoServiceManager(HoldfastError):
    code = "no-service-manager"
    sentence = N_("No systemd runs here that could start server and agent")
    remedy = N_("Run `holdfast up` without --install; it then stays in the foreground.")


class UpRuns(HoldfastError):
    """It starts server and agent, and they are not there yet, or no longer."""

    code = "up-runs"
    sentence = N_("Another `holdfast up` is starting or ending what is in {home}")
    remedy = N_("Try it again in a minute; `holdfast up --stop` ends the other one.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER
