"""Dangerous acts from the command line: the PIN is asked for when it is needed, approvals too."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from holdfast.app.server_client import ServerClient, connect
from holdfast.app.server_errors import ServerSaid
from holdfast.app.wiring import Session
from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_, _

T = TypeVar("T")


class ApprovalAsked(HoldfastError):
    """Nothing is done yet, but what had to be asked for is."""

    code = "approval-asked"
    sentence = N_("'{act}' needs a second person; the approval {id} is asked for")
    remedy = N_(
        "Let somebody else run `holdfast server approvals approve {id}`, then run the same "
        "command again with --approval {id}."
    )
    exit_status = Exit.DECIDE


def do_dangerous(
    session: Session,
    act: Callable[[ServerClient], T],
    *,
    pin: str | None = None,
    approval: str | None = None,
) -> T:
    """Do it; ask whoever is there for the PIN's password, and the server for the approval."""
    home = session.settings.home
    client = connect(home, pin=pin, approval=approval)
    try:
        return act(client)
    except ServerSaid as err:
        if err.code == "approval-needed":
            raise _asked(client, err) from err
        if err.code != "pin-needed" or pin is not None or session.ask is None:
            raise
    pin = make_pin(session, client)["pin"]
    return do_dangerous(session, act, pin=pin, approval=approval)


def make_pin(session: Session, client: ServerClient, password: str | None = None) -> dict[str, str]:
    """A new PIN for the password, which whoever is there types unless it is given."""
    if password is None and session.ask is not None:
        typed = session.ask(_("Your password, for the security PIN"))
        password = typed.reveal().decode(errors="replace")
    made: dict[str, str] = client.post("/me/pin", {"password": password or ""})
    return made


def _asked(client: ServerClient, err: ServerSaid) -> ApprovalAsked:
    told = err.told
    request = msgspec.json.decode(told["request"])
    body = {"vault": told["vault"], "act": told["act"], "request": request}
    made = client.post("/approvals", body)
    return ApprovalAsked(act=told["act"], id=made["id"])
