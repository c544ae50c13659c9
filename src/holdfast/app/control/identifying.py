"""From a token or a certificate to the caller it stands for."""

import hashlib

from holdfast.app.control.errors import NotLoggedIn
from holdfast.app.control.plane import Actor, Plane
from holdfast.catalog import accounts as account_rows
from holdfast.catalog import certificates as certificate_rows
from holdfast.fleet.roles import Scope


def secret_hash(secret: str) -> str:
    """How random secrets are kept: they have too many bits to be guessed from a plain hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def person_of(
    plane: Plane,
    secret: str,
    *,
    address: str,
    pin: str | None = None,
    approval: str | None = None,
    key: str | None = None,
) -> Actor:
    """The person behind a token that is neither expired nor revoked, of a live account."""
    now = plane.clock.now()
    with plane.database.read() as db:
        holder = account_rows.holder(db, secret_hash(secret))
    if holder is None:
        raise NotLoggedIn(reason="the token is unknown", server=plane.address)
    if holder.revoked_at or (holder.expires_at and holder.expires_at <= now):
        raise NotLoggedIn(reason="the token has expired or was revoked", server=plane.address)
    if holder.disabled_at:
        raise NotLoggedIn(reason="the account is disabled", server=plane.address)
    return Actor(
        kind="person",
        id=holder.id,
        name=holder.name,
        address=address,
        is_admin=holder.is_admin,
        scopes=frozenset(Scope(one) for one in holder.scopes),
        pin=pin,
        approval=approval,
        key=key,
        login=secret_hash(secret),
    )


def machine_of(plane: Plane, fingerprint: str, *, address: str) -> Actor:
    """The machine a certificate was given to, if neither has been taken back."""
    now = plane.clock.now()
    with plane.database.read() as db:
        shown = certificate_rows.shown(db, fingerprint)
    if shown is None:
        raise NotLoggedIn(reason="the certificate is unknown", server=plane.address)
    if shown.revoked_at or shown.expires_at <= now or shown.state != "active":
        raise NotLoggedIn(reason="the certificate has expired or was revoked", server=plane.address)
    return Actor(kind="machine", id=shown.machine_id, name=shown.name, address=address)
