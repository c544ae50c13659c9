"""A server died between what it did and the keeping of its answer: asked again, another answers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import Client, Response
from pydantic import TypeAdapter
from sqlalchemy import func, select

from holdfast.app.control import (
    alert_rules,
    approvals,
    credentials,
    job_orders,
    machines,
    replaying,
    stepping_up,
    tokens,
    trash,
    vaults,
)
from holdfast.app.control.alert_rules import NewSuppression
from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.errors import IdempotencyKeyReused
from holdfast.app.control.identifying import person_of
from holdfast.app.control.passwords import hash_password
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.registration import Shown, check_credentials
from holdfast.app.control.replaying import Asked
from holdfast.catalog.tables import (
    Account,
    AlertSuppression,
    AlertTarget,
    Approval,
    Assignment,
    AuditEntry,
    Credentials,
    Policy,
    ReadGrant,
    Replayed,
    Table,
    Token,
    Trashed,
    Vault,
)
from holdfast.catalog.trash import Filter
from holdfast.fleet.credentials_file import read_credentials
from holdfast.fleet.policies import policy_body, propose
from holdfast.fleet.roles import Role
from holdfast.server.application import PREFIX
from holdfast.testing.planes import (
    Someone,
    add_admin,
    add_machine,
    add_person,
    add_vault,
    client_of,
    make_plane,
)

KEY = {"Idempotency-Key": "7d0f"}
_JSON: TypeAdapter[Any] = TypeAdapter(Any)
POLICY = policy_body(propose(zone="UTC"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    plane: Plane
    admin: Someone
    client: Client
    vault: str
    machine: str
    other: str

    @property
    def actor(self) -> Actor:
        """The administrator, as the request with the key names them."""
        return replace(self.admin.actor, key=KEY["Idempotency-Key"])

    def asked(self, path: str, body: bytes) -> Asked:
        secret, request = self.admin.token, f"POST {PREFIX}{path}?\n".encode() + body
        key = KEY["Idempotency-Key"]
        return Asked(caller=self.actor.id, key=key, secret=secret, request=request)

    def fill(self, text: str) -> str:
        return text.format(vault=self.vault, machine=self.machine, other=self.other)

    def count(self, table: type[Table]) -> int:
        with self.plane.database.read() as db:
            return db.scalar(select(func.count()).select_from(table)) or 0

    def lose_answer(self) -> None:
        """As it is when the server is killed; and then the time passes that others wait for it."""
        with self.plane.database.write() as db:
            row = db.get_one(Replayed, (self.admin.actor.id, KEY["Idempotency-Key"]))
            row.status, row.body = None, {"claim": "of the dead"}
        self.plane.clock.sleep(replaying.ABANDONED_AFTER.total_seconds())


@pytest.fixture
def ground(tmp_path: Path, database_url: str) -> Iterator[Ground]:
    plane = make_plane(tmp_path, database_url=database_url)
    admin, vault = add_admin(plane), add_vault(plane)
    machine, other = (add_machine(plane, vault, name) for name in ("alpha", "beta"))
    client = client_of(plane, token=admin.token)
    client.post(f"{PREFIX}/vaults/{vault}/policies", json={**POLICY, "name": "daily"})
    yield Ground(
        plane=plane,
        admin=admin,
        client=client,
        vault=vault,
        machine=machine.id,
        other=other.id,
    )
    plane.database.close()


_ASSIGNMENT = {"policy": "daily", "paths": ["/etc"], "options": {}}
_MADE: list[tuple[type[Table], str, dict[str, Any]]] = [
    (Token, "/me/tokens", {"name": "watch", "scopes": ["read"]}),
    (Credentials, "/vaults/{vault}/credentials", {}),
    (Credentials, "/vaults/{vault}/credentials", {"replaces": "{machine}"}),
    (ReadGrant, "/machines/{machine}/readers", {"reader": "{other}", "hours": 2}),
    (Account, "/accounts", {"name": "ada", "password": "four random words here", "lang": "en"}),
    (Vault, "/vaults", {"name": "lab", "location": "memory:lab", "is_lab": True}),
    (Policy, "/vaults/{vault}/policies", {**POLICY, "name": "weekly"}),
    (Assignment, "/machines/{machine}/assignments", _ASSIGNMENT),
    (Approval, "/approvals", {"vault": "{vault}", "act": "vault-delete", "request": {"a": 1}}),
    (AlertTarget, "/alert-targets", {"name": "ops", "url": "json://192.0.2.7/x"}),
    (AlertSuppression, "/alert-suppressions", {"reason": "new disks", "hours": 1}),
]


@pytest.mark.parametrize(("table", "path", "wanted"), _MADE)
def test_what_a_dead_server_made_is_not_made_twice(
    ground: Ground, table: type[Table], path: str, wanted: dict[str, Any]
) -> None:
    url = f"{PREFIX}{ground.fill(path)}"
    body = {k: ground.fill(v) if isinstance(v, str) else v for k, v in wanted.items()}
    before = ground.count(table)
    first = ground.client.post(url, json=body, headers=KEY)
    noted = ground.count(AuditEntry)
    ground.lose_answer()

    again = ground.client.post(url, json=body, headers=KEY)

    assert (first.status_code, again.status_code) == (201, 201), first.text + again.text
    assert again.json() == first.json()
    assert "idempotency-replayed" not in again.headers
    assert (ground.count(table), ground.count(AuditEntry)) == (before + 1, noted)


def test_token_told_of_a_second_time_is_good(ground: Ground) -> None:
    actor = replace(ground.admin.actor, key="7d0f")
    tokens.add_token(ground.plane, actor, name="watch", scopes=(), days=1)

    told = tokens.add_token(ground.plane, actor, name="watch", scopes=(), days=1)

    assert person_of(ground.plane, told.token, address="").id == actor.id


def test_credentials_told_of_a_second_time_are_good_and_still_the_newest(ground: Ground) -> None:
    actor = replace(ground.admin.actor, key="7d0f")
    credentials.issue_credentials(ground.plane, actor, ground.vault)

    told = credentials.issue_credentials(ground.plane, actor, ground.vault)

    file = read_credentials(told.content.encode(), file="-")
    shown = Shown(credentials_id=file.credentials_id, secret=file.secret, vault_id=file.vault_id)
    check_credentials(ground.plane, shown)
    assert file.serial == 1


def test_key_of_an_old_request_gives_no_secret_again(ground: Ground) -> None:
    actor = replace(ground.admin.actor, key="every-week")
    tokens.add_token(ground.plane, actor, name="watch", scopes=(), days=90)
    ground.plane.clock.sleep(replaying.ANSWERS_KEPT.total_seconds() + 1)

    with pytest.raises(IdempotencyKeyReused):
        tokens.add_token(ground.plane, actor, name="watch", scopes=(), days=90)


def test_key_of_a_silence_that_is_over_silences_nothing_and_says_so(ground: Ground) -> None:
    actor, wanted = replace(ground.admin.actor, key="k"), NewSuppression(reason="disks", hours=1)
    alert_rules.suppress(ground.plane, actor, wanted)
    ground.plane.clock.sleep(3601)

    with pytest.raises(IdempotencyKeyReused):
        alert_rules.suppress(ground.plane, actor, wanted)


def test_tokens_made_under_two_keys_have_two_secrets(ground: Ground) -> None:
    made = [
        tokens.add_token(
            ground.plane, replace(ground.admin.actor, key=key), name="watch", scopes=(), days=1
        )
        for key in ("one", "two", None, None)
    ]

    assert len({token.token for token in made}) == len({token.id for token in made}) == 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that makes nothing: how it is asked for, and what the first server did."""

    path: str
    do: Callable[[Plane, Actor], Any]
    body: bytes = b""


def _cancel(ground: Ground) -> Act:
    job = job_orders.order_job(
        ground.plane, ground.admin.actor, ground.machine, kind="check", arguments={}
    )
    return Act(
        path=f"/jobs/{job.id}/cancel",
        do=lambda plane, actor: job_orders.cancel_job(plane, actor, job.id),
    )


def _decide(ground: Ground) -> Act:
    ada = add_person(ground.plane, role=Role.CONTRIBUTOR, vault_id=ground.vault).actor
    waiting = approvals.ask_approval(
        ground.plane, ada, ground.vault, act="vault-delete", request={"a": 1}
    )
    return Act(
        path=f"/approvals/{waiting.id}/decision",
        body=b'{"approve": true}',
        do=lambda plane, actor: approvals.decide_approval(plane, actor, waiting.id, approve=True),
    )


def _undelete_vault(ground: Ground) -> Act:
    with ground.plane.database.write() as db:
        vault = db.get_one(Vault, ground.vault)
        vault.deleted_at = ground.plane.clock.now()
        vault.purge_at = vault.deleted_at + timedelta(days=1)
    return Act(
        path=f"/vaults/{ground.vault}/undelete",
        do=lambda plane, actor: vaults.undelete_vault(plane, actor, ground.vault),
    )


def _revoke(ground: Ground) -> Act:
    return Act(
        path=f"/machines/{ground.machine}/revoke",
        do=lambda plane, actor: machines.revoke_machine(plane, actor, ground.machine),
    )


def _unregister(ground: Ground) -> Act:
    return Act(
        path=f"/machines/{ground.machine}/unregister",
        body=b'{"delete_data": false}',
        do=lambda plane, actor: machines.unregister_machine(
            plane, actor, ground.machine, delete_data=False
        ),
    )


def _reset_key(ground: Ground) -> Act:
    """The second comes with no PIN: the first has used it up."""
    password = "four random words here"
    with ground.plane.database.write() as db:
        db.get_one(Account, ground.actor.id).password_hash = hash_password(password)
    pin = stepping_up.make_pin(ground.plane, ground.admin.actor, password=password).pin
    return Act(
        path=f"/machines/{ground.machine}/reset-key",
        do=lambda plane, actor: machines.reset_key(plane, replace(actor, pin=pin), ground.machine),
    )


def _close_alert(ground: Ground) -> Act:
    with ground.plane.database.write() as db:
        where = {"vault_id": ground.vault, "machine_id": ground.machine}
        alert = raise_alert(db, ground.plane, "backup-failed", fields={}, **where)
    return Act(
        path=f"/alerts/{alert.id}/close",
        do=lambda plane, actor: alert_rules.close_alert(plane, actor, alert.id),
    )


def _undelete_files(ground: Ground) -> Act:
    now = ground.plane.clock.now()
    with ground.plane.database.write() as db:
        row = Trashed(machine_id=ground.machine, name="keys/a", size=1, deleted_at=now)
        row.purge_at = now + timedelta(days=1)
        db.add(row)
    which = Filter(machine_id=ground.machine)
    return Act(
        path=f"/machines/{ground.machine}/trash/undelete",
        body=b"{}",
        do=lambda plane, actor: trash.undelete(plane, actor, which),
    )


_ACTS = [
    *(_cancel, _decide, _undelete_vault, _revoke),
    *(_unregister, _reset_key, _close_alert, _undelete_files),
]


@pytest.mark.parametrize("prepare", _ACTS)
def test_what_a_dead_server_did_is_answered_and_not_done_again(
    ground: Ground, prepare: Callable[[Ground], Act]
) -> None:
    act = prepare(ground)
    assert replaying.begin(ground.plane, ground.asked(act.path, act.body)) is None
    first = act.do(ground.plane, ground.actor)
    noted = ground.count(AuditEntry)
    ground.plane.clock.sleep(replaying.ABANDONED_AFTER.total_seconds())

    again, thrice = (_post(ground, act) for _ in range(2))

    assert (again.status_code, thrice.status_code) == (200, 200), again.text
    assert again.json() == thrice.json() == json.loads(_JSON.dump_json(first))
    assert "idempotency-replayed" not in again.headers
    assert thrice.headers["idempotency-replayed"] == "true"
    assert ground.count(AuditEntry) == noted


def test_answer_that_failed_after_the_act_is_to_be_had_at_once(ground: Ground) -> None:
    act = _cancel(ground)
    asked = ground.asked(act.path, act.body)
    assert replaying.begin(ground.plane, asked) is None
    act.do(ground.plane, ground.actor)
    replaying.release(ground.plane, asked)

    again = _post(ground, act)

    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


def test_other_key_is_told_that_it_is_over(ground: Ground) -> None:
    act = _cancel(ground)
    act.do(ground.plane, ground.admin.actor)

    refused = _post(ground, act)

    assert (refused.status_code, refused.json()["code"]) == (409, "job-is-over")


def _post(ground: Ground, act: Act) -> Response:
    headers = {**KEY, "Content-Type": "application/json"}
    return ground.client.post(f"{PREFIX}{act.path}", content=act.body, headers=headers)
