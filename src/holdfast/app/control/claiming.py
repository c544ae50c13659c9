"""Who may register as a machine that is there already.

The holder of its key may, and whoever was given credentials that replace exactly this machine,
once. Any other credentials of the vault make new machines only: or one stolen file would be worth
every machine's place, and lock all of them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.app.control.registration_errors import (
    CredentialsReplaceAnother,
    CredentialsUsed,
    MachineNotProven,
)
from holdfast.catalog import certificates as certificate_rows
from holdfast.catalog import credentials as credential_rows
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Credentials, Machine
from holdfast.fleet.key_proof import KeyProof, proven_key, signed_words

# More keys than a machine can have lying about.
MOST_PROOFS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a caller shows to be the machine; without a request it only asks beforehand."""

    proofs: Sequence[KeyProof] = ()
    csr: str = ""
    key_hash: str | None = None


def require_claim(db: Session, machine: Machine, row: Credentials, claim: Claim) -> str:
    """By what the caller is this machine: "key" or "replacement"; else raise why it is not."""
    if row.replaces not in {None, machine.id}:
        raise CredentialsReplaceAnother(credentials=row.id, machine=row.replaces)
    if _has_key(db, machine, row, claim):
        return "key"
    if row.replaces is None:
        raise MachineNotProven(machine=machine.id)
    if credential_rows.lock(db, row.id).used:
        raise CredentialsUsed(credentials=row.id, machine=machine.id)
    return "replacement"


def require_new(row: Credentials) -> None:
    """Credentials that replace a machine make no other one."""
    if row.replaces is not None:
        raise CredentialsReplaceAnother(credentials=row.id, machine=row.replaces)


def _has_key(db: Session, machine: Machine, row: Credentials, claim: Claim) -> bool:
    """A certificate may have expired meanwhile; one that was taken back proves nothing."""
    every = certificate_rows.of_machine(db, machine.id)
    good = {one.key_hash for one in every if one.revoked_at is None and one.key_hash}
    if claim.key_hash in good:
        return True
    words = signed_words(credentials_id=row.id, machine_id=machine.id, csr=claim.csr)
    return any(proven_key(proof, words) in good for proof in claim.proofs[:MOST_PROOFS])
