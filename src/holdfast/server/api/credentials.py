"""Vault credentials: downloaded by people, to register machines with."""

from fastapi import APIRouter

from holdfast.app.control.credentials import IssuedCredentials, issue_credentials
from holdfast.server.callers import Person, ThePlane

router = APIRouter(prefix="/vaults", tags=["machines"])


@router.post("/{vault}/credentials", status_code=201)
def issue(plane: ThePlane, person: Person, vault: str) -> IssuedCredentials:
    """A new file. Only the newest of a vault is good, and any number of machines may use it."""
    return issue_credentials(plane, person, vault)
