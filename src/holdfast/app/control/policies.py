"""Policies of a vault: made, changed, deleted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.app.control import audit
from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.errors import AlreadyThere, NotThere
from holdfast.app.control.names import good_name
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.policy_errors import PolicyAttached, PolicyLimit
from holdfast.app.control.replaying import id_for, made_before
from holdfast.app.control.shortening import (
    is_shortening,
    losses_of,
    require_floor,
    require_may_shorten,
)
from holdfast.app.control.vault_rows import live_vault
from holdfast.base.texts import _
from holdfast.catalog import policies as policy_rows
from holdfast.catalog.database import Session
from holdfast.catalog.policies import Filter
from holdfast.catalog.tables import Policy as Row
from holdfast.catalog.tables import Setting, Vault
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.policies import Policy, known_policy, policy_body, propose
from holdfast.fleet.policy_reading import read_policy
from holdfast.fleet.roles import Right

USUAL_LIMIT = 200
# The row of `settings` that holds another limit, as {"policies_per_vault": 500}.
LIMITS = "limits"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    id: str
    vault_id: str
    name: str
    version: int
    changed_at: datetime
    # How many sources it protects.
    attached: int
    body: dict[str, Any]


def list_policies(plane: Plane, actor: Actor, vault: str, window: Window) -> Page[PolicyView]:
    """Sorted by name."""
    parts = window.parts(1)
    with plane.database.read() as db:
        row = live_vault(db, vault)
        require(db, actor, Right.READ, row.id)
        after = parts[0] if parts else None
        rows = policy_rows.in_vault(db, row.id, limit=window.one_more, after=after)
        counts = policy_rows.times_attached(db, [one.id for one in rows])
    return make_page(
        rows, window, key=lambda one: [one.name], view=lambda one: _view(one, counts.get(one.id, 0))
    )


def list_all_policies(plane: Plane, actor: Actor, window: Window) -> Page[PolicyView]:
    """Of every vault one may look into, sorted by name."""
    parts = window.parts(2)
    with plane.database.read() as db:
        after = (parts[0], parts[1]) if parts else None
        vaults = readable_vaults(db, actor)
        rows = policy_rows.listed(db, vaults, limit=window.one_more, after=after)
        counts = policy_rows.times_attached(db, [one.id for one in rows])
    return make_page(
        rows,
        window,
        key=lambda one: [one.name, one.id],
        view=lambda one: _view(one, counts.get(one.id, 0)),
    )


def show_policy(plane: Plane, actor: Actor, policy_id: str) -> PolicyView:
    with plane.database.read() as db:
        return view_of(db, policy_for(db, actor, policy_id, Right.READ))


def proposal(plane: Plane, actor: Actor, vault: str, *, zone: str) -> dict[str, Any]:
    """A policy to begin with; nothing is made of it yet."""
    with plane.database.read() as db:
        require(db, actor, Right.READ, live_vault(db, vault).id)
    return policy_body(read_policy(policy_body(propose(zone=zone))))


def create_policy(plane: Plane, actor: Actor, vault: str, body: dict[str, Any]) -> PolicyView:
    with plane.database.write() as db:
        owner = live_vault(db, vault)
        require(db, actor, Right.CHANGE_POLICIES, owner.id)
        policy = read_policy(body)
        same = {"vault_id": owner.id, "name": policy.name}
        before = made_before(plane, db, actor, table=Row, same=same, at="changed_at")
        if before is not None:
            return view_of(db, before)
        require_floor(owner, policy)
        _require_room(db, owner)
        _require_free_name(db, owner.id, policy.name)
        row = Row(
            **same,
            id=id_for(actor),
            version=1,
            body=policy_body(policy),
            changed_at=plane.clock.now(),
        )
        db.add(row)
        _note(db, plane, actor, row, act="policy-create")
        return _view(row, 0)


def change_policy(plane: Plane, actor: Actor, policy_id: str, body: dict[str, Any]) -> PolicyView:
    """The whole policy anew; its version counts up if anything is different."""
    with plane.database.write() as db:
        row = policy_for(db, actor, policy_id, Right.CHANGE_POLICIES)
        policy = read_policy(body)
        if policy_body(policy) == row.body:
            return view_of(db, row)
        former = row.body
        _require_change(plane, db, actor, row=row, policy=policy)
        row.name, row.body = policy.name, policy_body(policy)
        row.version, row.changed_at = row.version + 1, plane.clock.now()
        _note(db, plane, actor, row, act="policy-change", former=former)
        return view_of(db, row)


def delete_policy(plane: Plane, actor: Actor, policy_id: str) -> None:
    with plane.database.write() as db:
        row = policy_for(db, actor, policy_id, Right.CHANGE_POLICIES)
        count = policy_rows.times_attached(db, [row.id]).get(row.id, 0)
        if count:
            raise PolicyAttached(policy=row.name, count=count)
        _note(db, plane, actor, row, act="policy-delete")
        db.delete(row)


def policy_for(db: Session, actor: Actor, policy_id: str, right: Right) -> Row:
    """The policy, if the caller has the right on its vault."""
    row = db.get(Row, policy_id)
    if row is None:
        # An administrator is told that it is not there; for all others it could be.
        require(db, actor, right, None)
        raise NotThere(what=_("policy"), name=policy_id)
    require(db, actor, right, row.vault_id)
    return row


def view_of(db: Session, row: Row) -> PolicyView:
    return _view(row, policy_rows.times_attached(db, [row.id]).get(row.id, 0))


def _require_change(plane: Plane, db: Session, actor: Actor, *, row: Row, policy: Policy) -> None:
    vault = db.get(Vault, row.vault_id)
    assert vault is not None, "a policy goes with its vault"
    if policy.name != row.name:
        _require_free_name(db, vault.id, policy.name)
    require_floor(vault, policy)
    former = known_policy(row.body)
    lost = [
        loss
        for one in policy_rows.attached(db, Filter(policy_id=row.id))
        for loss in losses_of(plane, db, one.assignment, old=former, new=policy)
    ]
    if is_shortening(former, policy, lost):
        request = {"policy": row.id, "body": policy_body(policy)}
        require_may_shorten(plane, db, actor, vault, request, policy=row.name)


def _require_room(db: Session, vault: Vault) -> None:
    setting = db.get(Setting, LIMITS)
    limit = int(setting.value.get("policies_per_vault", USUAL_LIMIT)) if setting else USUAL_LIMIT
    count = policy_rows.count_in(db, vault.id)
    if count >= limit:
        raise PolicyLimit(vault=vault.name, count=count, limit=limit)


def _require_free_name(db: Session, vault_id: str, name: str) -> None:
    if policy_rows.by_name(db, vault_id, good_name(name, "policy")) is not None:
        raise AlreadyThere(what=_("policy"), name=name)


def _note(
    db: Session,
    plane: Plane,
    actor: Actor,
    row: Row,
    *,
    act: str,
    former: dict[str, Any] | None = None,
) -> None:
    detail = {"name": row.name, "body": row.body, **({"former": former} if former else {})}
    audit.note(db, plane, actor, act=act, vault_id=row.vault_id, object=row.id, detail=detail)


def _view(row: Row, attached: int) -> PolicyView:
    return PolicyView(
        id=row.id,
        vault_id=row.vault_id,
        name=row.name,
        version=row.version,
        changed_at=row.changed_at,
        attached=attached,
        body=row.body,
    )
