"""How a machine comes and goes: registration, activation, renewal, leaving."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from holdfast.app.control.certificates import renew
from holdfast.app.control.machines import leave
from holdfast.app.control.plane import Plane
from holdfast.app.control.read_grants import ReadGrantView, readable_by
from holdfast.app.control.refused_registrations import note_refused
from holdfast.app.control.registration import (
    Shown,
    activate,
    check_credentials,
    register,
    shown_by,
)
from holdfast.base.errors import HoldfastError
from holdfast.fleet.messages import RegisterReply, RegisterRequest, RenewReply, RenewRequest
from holdfast.server.callers import PEER, Address, Machine, ThePlane

router = APIRouter(tags=["agents"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """`fleet.messages.ActivateRequest`, held to its form."""

    key_fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@router.post("/register")
def register_machine(plane: ThePlane, address: Address, wanted: RegisterRequest) -> RegisterReply:
    """Become one of the vault's machines; asked by whoever holds the credentials file."""
    shown = shown_by(wanted)
    with _noted(plane, shown, address):
        return register(plane, wanted, address=address)


@router.post("/register/check", status_code=204)
def check(plane: ThePlane, address: Address, shown: Shown) -> None:
    """Say what `/register` would say of the credentials, and change nothing."""
    with _noted(plane, shown, address):
        check_credentials(plane, shown)


@contextmanager
def _noted(plane: Plane, shown: Shown, address: str) -> Iterator[None]:
    """A refusal is kept in the audit log, with where it came from."""
    try:
        yield
    except HoldfastError as err:
        note_refused(plane, shown, err, address=address)
        raise


@router.put("/agent/key", status_code=204)
def put_key(plane: ThePlane, machine: Machine, told: Fingerprint) -> None:
    activate(plane, machine, key_fingerprint=told.key_fingerprint)


@router.post("/agent/certificate")
def renew_certificate(
    request: Request, plane: ThePlane, machine: Machine, wanted: RenewRequest
) -> RenewReply:
    shown = request.scope["extensions"][PEER]
    return RenewReply(certificate=renew(plane, machine, csr=wanted.csr, shown=shown))


@router.post("/agent/unregister", status_code=204)
def unregister(plane: ThePlane, machine: Machine) -> None:
    """The machine leaves the vault; its recovery points stay."""
    leave(plane, machine)


@router.get("/agent/readable")
def readable(plane: ThePlane, machine: Machine) -> list[ReadGrantView]:
    """The other machines whose recovery points this one may read for a while."""
    return readable_by(plane, machine)
