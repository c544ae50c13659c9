"""`holdfast up`: server and agent of this machine, its vault, its registration, a first policy.

Every step asks first whether it is done, so the same command again goes on wherever the last one
was stopped or killed.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.register import Wanted, register
from holdfast.app.registration_state import Registration, find_registration
from holdfast.app.server_client import ServerClient, part
from holdfast.app.up_errors import MachineElsewhere, UpNeedsLogin, VaultElsewhere
from holdfast.app.up_proposal import Proposal, accept, make_proposal, proposed_anew
from holdfast.app.up_server import ADMIN, OwnServer, client_of
from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.fleet.virtual_machines import source_of_vm
from holdfast.storage.location import Kind, parse_location
from holdfast.vault.keys import KeyCost

VAULT = "main"
Say = Callable[[str], None]
Confirm = Callable[[Proposal], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpWanted:
    place: str | None = None
    paths: tuple[str, ...] = ()
    # Asked whether the proposal is to hold from now on.
    confirm: Confirm
    cost: KeyCost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """What a policy protects of this machine, and when next."""

    id: str
    policy: str
    paths: tuple[str, ...]
    next_run: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpDone:
    address: str
    fingerprint: str | None
    registration: Registration
    vault_location: str | None
    protected: tuple[Protected, ...]
    # What was proposed and not taken.
    declined: Proposal | None
    account: str
    password: str | None
    passphrase_file: str
    # While it lies here.
    recovery_key: str | None
    # Whether somebody is logged in on this machine: else policies could not be looked at.
    is_logged_in: bool


def bring_up(session: Session, server: OwnServer, wanted: UpWanted, *, say: Say) -> UpDone:
    """With a server that answers: everything but the agent's process."""
    home = session.settings.home
    _forget_old_credentials(home)
    registration = _registration(home, server)
    client = client_of(session, server)
    if client is None and registration is None:
        raise UpNeedsLogin(server=server.address)
    location = None
    if client is not None:
        location = str(_vault(client, session, wanted.place, say=say)["location"])
    if registration is None:
        assert client is not None, "raised above"
        registration = _register(session, client, wanted, say=say)
    protected: tuple[Protected, ...] = ()
    declined = None
    if client is not None:
        protected, declined = _protect(session, client, registration, wanted, place=location or "")
    return UpDone(
        address=server.address,
        fingerprint=server.fingerprint,
        registration=registration,
        vault_location=location,
        protected=protected,
        declined=declined,
        account=ADMIN,
        password=server.password(),
        passphrase_file=AgentFolder.of(home).passphrase,
        recovery_key=recovery_key_of(home) if os.path.exists(recovery_key_of(home)) else None,
        is_logged_in=client is not None,
    )


def recovery_key_of(home: str) -> str:
    return os.path.join(home, "recovery-key.txt")


def _registration(home: str, server: OwnServer) -> Registration | None:
    found = find_registration(home)
    if found is not None and found.server != server.address:
        raise MachineElsewhere(server=found.server)
    return found


def _vault(
    client: ServerClient, session: Session, place: str | None, *, say: Say
) -> dict[str, Any]:
    wanted = _whole(place or os.path.join(session.settings.home, "vault"))
    for vault in client.items("/vaults"):
        if vault["name"] == VAULT:
            if place is not None and vault["location"] != wanted:
                raise VaultElsewhere(vault=VAULT, known=vault["location"], wanted=wanted)
            return vault
    made: dict[str, Any] = client.post("/vaults", {"name": VAULT, "location": wanted})
    say(_("Made vault {name} at {place}").format(name=VAULT, place=made["location"]))
    return made


def _whole(place: str) -> str:
    location = parse_location(place)
    if location.kind is Kind.DIRECTORY:
        return os.path.abspath(location.path)
    return str(location)


def _register(
    session: Session, client: ServerClient, wanted: UpWanted, *, say: Say
) -> Registration:
    issued = client.post(f"/vaults/{part(VAULT)}/credentials")
    descriptor, file = tempfile.mkstemp(
        prefix="up-", suffix=".credentials", dir=session.settings.home
    )
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(issued["content"])
        settings = session.settings
        is_given = bool(settings.passphrase_file or settings.passphrase_command)
        done = register(
            session,
            Wanted(
                credentials=file,
                generate=not is_given,
                recovery_key=recovery_key_of(settings.home),
                # It is this very machine.
                proxy="none",
                cost=wanted.cost,
            ),
            say=lambda _line: None,
        )
    finally:
        os.unlink(file)
    name = done.registration.name
    say(_("Registered this machine as {name}").format(name=name))
    return done.registration


def _forget_old_credentials(home: str) -> None:
    """A run that was killed may have left some, also after it had made use of them."""
    for name in os.listdir(home):
        if name.startswith("up-") and name.endswith(".credentials"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(home, name))


def _protect(
    session: Session,
    client: ServerClient,
    registration: Registration,
    wanted: UpWanted,
    *,
    place: str,
) -> tuple[tuple[Protected, ...], Proposal | None]:
    found = list(client.items("/assignments", machine=registration.machine_id))
    if found and not wanted.paths:
        return tuple(map(_protected, found)), None
    if any(set(one["paths"]) == set(wanted.paths) for one in found):
        return tuple(map(_protected, found)), None
    vault = registration.vault_id
    proposal = make_proposal(session.settings, wanted.paths, vault=place)
    proposal = _with_policy(proposal, client, vault)
    if not wanted.confirm(proposal):
        return tuple(map(_protected, found)), proposal
    made = accept(client, vault, registration.machine_id, proposal)
    return (*map(_protected, found), _protected(made)), None


def _with_policy(proposal: Proposal, client: ServerClient, vault: str) -> Proposal:
    known = proposed_anew(client, vault)
    if known is None:
        return proposal
    return Proposal(policy=known, paths=proposal.paths, options=proposal.options)


def _protected(assignment: dict[str, Any]) -> Protected:
    runs = assignment["next_runs"]
    return Protected(
        id=assignment["id"],
        policy=assignment["policy"],
        paths=(*assignment["paths"], *map(source_of_vm, assignment.get("vms", ()))),
        next_run=runs[0] if runs else None,
    )
