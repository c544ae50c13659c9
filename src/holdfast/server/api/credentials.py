"""Vault credentials: downloaded by people, to register machines with."""

from dataclasses import dataclass

from fastapi import APIRouter

from holdfast.app.control.credentials import IssuedCredentials, issue_credentials
from holdfast.server.callers import Person, ThePlane

router = APIRouter(prefix="/vaults", tags=["machines"])


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsWanted:
    # The id of a machine whose key is lost: the file is for it alone, and good once.
    replaces: str | None = None


@router.post("/{vault}/credentials", status_code=201)
def issue(
    plane: ThePlane, person: Person, vault: str, wanted: CredentialsWanted | None = None
) -> IssuedCredentials:
    """A new file. Only the newest of a vault is good, and any number of machines may use it."""
    replaces = wanted.replaces if wanted else None
    return issue_credentials(plane, person, vault, replaces=replaces)
