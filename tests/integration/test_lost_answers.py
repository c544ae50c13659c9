"""A server died between what it did and the keeping of its answer: asked again, another answers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from httpx import Client
from sqlalchemy import func, select

from holdfast.app.control import alert_rules, credentials, replaying, tokens
from holdfast.app.control.alert_rules import NewSuppression
from holdfast.app.control.errors import IdempotencyKeyReused
from holdfast.app.control.identifying import person_of
from holdfast.app.control.plane import Plane
from holdfast.app.control.registration import Shown, check_credentials
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
    Vault,
)
from holdfast.fleet.credentials_file import read_credentials
from holdfast.fleet.policies import policy_body, propose
from holdfast.server.application import PREFIX
from holdfast.testing.planes import (
    Someone,
    add_admin,
    add_machine,
    add_vault,
    client_of,
    make_plane,
)

KEY = {"Idempotency-Key": "7d0f"}
POLICY = policy_body(propose(zone="UTC"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    plane: Plane
    admin: Someone
    client: Client
    vault: str
    machine: str
    other: str

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
    (AlertTarget, "/alert-targets", {"name": "ops", "url": "json://localhost/x"}),
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
