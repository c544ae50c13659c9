"""What goes wrong between a person's machine and the server they log in to."""

from collections.abc import Mapping
from typing import Any

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_

# A person has to do something, and then the same command goes on.
_DECIDE = frozenset(("pin-needed", "approval-needed", "approval-not-good", "protection-locked"))


class NotLoggedInHere(HoldfastError):
    code = "not-logged-in-here"
    sentence = N_("Nobody is logged in to a server on this machine: {file} is not there")
    remedy = N_("Log in: `holdfast login https://HOST:8443`.")


class LoginUnreadable(HoldfastError):
    code = "login-unreadable"
    sentence = N_("The login kept in {file} cannot be read: {reason}")
    remedy = N_("Log in again: `holdfast login https://HOST:8443`.")


class ServerNotReached(HoldfastError):
    """Nothing is lost by it: an agent works on alone."""

    code = "server-not-reached"
    sentence = N_("The server {server} cannot be reached: {reason}")
    remedy = N_(
        "See that it runs (`holdfast server run` there) and that its port is open from here: "
        "`holdfast doctor`. Schedules go on meanwhile, and results are delivered later."
    )
    retry = Retry.LATER


class ServerNotTrusted(HoldfastError):
    """Whoever answers has not proved to be the server."""

    code = "server-not-trusted"
    sentence = N_("{server} does not prove who it is: {reason}")
    remedy = N_(
        "Check this machine's clock. To log in, bring its authority's certificate, `ca.pem` of its "
        "state folder: `holdfast login {server} --ca FILE`, or --ca-fingerprint and what it "
        "printed at its start. If it was set up anew, its machines register again: "
        "`holdfast register --credentials FILE`."
    )


class ServerAddressWrong(HoldfastError):
    code = "server-address-wrong"
    sentence = N_("'{server}' is no address of a server")
    remedy = N_("Write it as https://HOST:8443.")
    exit_status = Exit.USAGE


class ServerSaid(HoldfastError):
    """The server's own error, with its code, sentence and remedy as it gave them."""

    code = "server-said"
    sentence = N_("The server answered {status}: {detail}")
    remedy = N_("Look into the server's log for this moment.")

    def __init__(self, **fields: object) -> None:
        super().__init__(**fields)
        # Of this one event, in the place of what the class has.
        said = {name: fields[name] for name in ("code",) if fields.get(name)}
        said["retry"] = Retry(fields.get("retry") or Retry.NEVER.value)
        said["source_codes"] = tuple(_list(fields.get("source_codes")))
        said["exit_status"] = Exit.DECIDE if fields.get("code") in _DECIDE else Exit.FAILED
        self.__dict__.update(said)

    def __str__(self) -> str:
        if self.fields.get("code"):
            return str(self.fields["detail"]).rstrip(".")
        return super().__str__()

    @property
    def advice(self) -> str:
        return str(self.fields.get("remedy") or super().advice)

    @property
    def told(self) -> Mapping[str, Any]:
        """The event's own fields, as texts."""
        found = self.fields.get("fields")
        return found if isinstance(found, dict) else {}


def _list(found: object) -> list[str]:
    return [str(one) for one in found] if isinstance(found, list | tuple) else []
