"""Who may register as a machine that is there: its key's holder, or a file that replaces it."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.app.control.alert_rules import list_alerts
from holdfast.app.control.refused_registrations import ACT, MOST_OF_ONE
from holdfast.catalog.tables import AuditEntry
from holdfast.fleet.credentials_file import CredentialsFile, read_credentials
from holdfast.fleet.key_proof import signed_words
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.server.application import make_app
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import (
    add_admin,
    add_person,
    add_vault,
    client_of,
    make_csr,
    make_key,
    make_plane,
)

_Key = ec.EllipticCurvePrivateKey


class Place:
    """A vault with one registered machine, whose key is known here."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.plane = make_plane(folder, clock=self.clock)
        self.app = make_app(self.plane)
        self.admin = add_admin(self.plane)
        self.vault = add_vault(self.plane, "office")
        self.key = make_key()
        reply = self.register(self.credentials(), self.key)
        assert reply.status_code == 200, reply.text
        self.machine: str = reply.json()["machine_id"]

    def ask(self, path: str, body: object = None, *, token: str | None = None) -> Any:
        client = client_of(self.plane, token=token, app=self.app)
        return client.post(f"/api/v1{path}", json=body)

    def issue(self, replaces: str | None, *, token: str | None = None) -> Any:
        body = {"replaces": replaces} if replaces else None
        path = f"/vaults/{self.vault}/credentials"
        return self.ask(path, body, token=token or self.admin.token)

    def credentials(self, replaces: str | None = None) -> CredentialsFile:
        reply = self.issue(replaces)
        assert reply.status_code == 201, reply.text
        return read_credentials(reply.json()["content"].encode(), file="x")

    def register(
        self,
        file: CredentialsFile,
        key: _Key,
        *,
        machine: str | None = None,
        signers: tuple[_Key, ...] = (),
    ) -> Any:
        csr = make_csr(key)
        return self.ask(
            "/register",
            {
                **_shown(file),
                "csr": csr,
                "name": "alpha",
                "agent_version": "1",
                "machine_id": machine,
                "proofs": [_proof(one, file, machine or "", csr) for one in signers],
            },
        )

    def check(
        self, file: CredentialsFile, *, machine: str | None = None, signers: tuple[_Key, ...] = ()
    ) -> Any:
        proofs = [_proof(one, file, machine or "", "") for one in signers]
        return self.ask(
            "/register/check", {**_shown(file), "machine_id": machine, "proofs": proofs}
        )

    def acts(self) -> list[str]:
        with self.plane.database.read() as db:
            return [row.act for row in db.query(AuditEntry).order_by(AuditEntry.id)]


def _shown(file: CredentialsFile) -> dict[str, Any]:
    return {
        "credentials_id": file.credentials_id,
        "secret": file.secret,
        "vault_id": file.vault_id,
    }


def _proof(key: _Key, file: CredentialsFile, machine: str, csr: str) -> dict[str, str]:
    words = signed_words(credentials_id=file.credentials_id, machine_id=machine, csr=csr)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signature = key.sign(words, ec.ECDSA(hashes.SHA256()))
    return {
        "public_key": base64.b64encode(public).decode(),
        "signature": base64.b64encode(signature).decode(),
    }


def _code(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json().get("code", "") if reply.content else ""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_good_credentials_alone_take_over_no_machine(place: Place) -> None:
    file, thief = place.credentials(), make_key()

    bare = place.register(file, thief, machine=place.machine)
    own = place.register(file, thief, machine=place.machine, signers=(thief,))
    asked = place.check(file, machine=place.machine)

    assert _code(bare) == _code(own) == _code(asked) == (403, "machine-not-proven")
    assert f"--replaces {place.machine}" in bare.json()["remedy"]
    assert "machine-register-again" not in place.acts()


def test_holder_of_the_former_key_registers_again_with_another(place: Place) -> None:
    file, fresh = place.credentials(), make_key()

    asked = place.check(file, machine=place.machine, signers=(place.key,))
    again = place.register(file, fresh, machine=place.machine, signers=(make_key(), place.key))
    later = place.register(file, make_key(), machine=place.machine, signers=(place.key,))

    assert asked.status_code == 204
    assert again.json()["machine_id"] == place.machine
    assert _code(later) == (403, "machine-not-proven")
    assert place.acts()[-2:] == ["machine-register-again", "registration-refused"]


def test_certificate_that_expired_still_proves_its_key(place: Place) -> None:
    place.clock.jump(timedelta(days=400))

    again = place.register(
        place.credentials(), make_key(), machine=place.machine, signers=(place.key,)
    )

    assert again.status_code == 200


@pytest.mark.parametrize("what", ["revoke", "unregister"])
def test_key_that_was_taken_back_proves_nothing(place: Place, what: str) -> None:
    place.ask(f"/machines/{place.machine}/{what}", {}, token=place.admin.token)

    refused = place.register(
        place.credentials(), make_key(), machine=place.machine, signers=(place.key,)
    )
    back = place.register(place.credentials(place.machine), make_key(), machine=place.machine)

    assert _code(refused) == (403, "machine-not-proven")
    assert back.json()["machine_id"] == place.machine


def test_proof_of_another_request_is_none(place: Place) -> None:
    file = place.credentials()
    stolen = _proof(place.key, file, place.machine, make_csr(make_key()))
    body = {
        **_shown(file),
        "csr": make_csr(make_key()),
        "name": "alpha",
        "agent_version": "1",
        "machine_id": place.machine,
    }

    replies = [
        place.ask("/register", {**body, "proofs": proofs})
        for proofs in (
            [stolen],
            [{**stolen, "public_key": "!"}],
            [{**stolen, "signature": ""}],
        )
    ]

    assert [_code(reply) for reply in replies] == [(403, "machine-not-proven")] * 3


def test_file_that_replaces_a_machine_does_so_once(place: Place) -> None:
    file, fresh = place.credentials(place.machine), make_key()

    asked = place.check(file, machine=place.machine)
    first = place.register(file, fresh, machine=place.machine)
    repeated = place.register(file, fresh, machine=place.machine)
    second = place.register(file, make_key(), machine=place.machine)

    assert asked.status_code == 204
    assert first.json()["machine_id"] == repeated.json()["machine_id"] == place.machine
    assert first.json()["gateway_password"] == repeated.json()["gateway_password"]
    assert _code(second) == (403, "credentials-used")
    assert place.acts().count("machine-replace") == 1


def test_machine_that_was_replaced_is_told_of_once_with_who_allowed_it(place: Place) -> None:
    file, key = place.credentials(place.machine), make_key()

    for _time in range(2):
        assert place.register(file, key, machine=place.machine).status_code == 200

    page = list_alerts(place.plane, place.admin.actor, Window(), is_open=None)
    (alert,) = (one for one in page.items if one.kind == "machine-replaced")
    assert (alert.machine_id, alert.severity) == (place.machine, "critical")
    assert (alert.fields["object"], alert.fields["actor"]) == ("alpha", "admin")


def test_file_that_replaces_a_machine_makes_and_takes_no_other(place: Place) -> None:
    other_key = make_key()
    other = place.register(place.credentials(), other_key).json()["machine_id"]
    file = place.credentials(place.machine)

    replies = [
        place.register(file, make_key()),
        place.register(file, make_key(), machine=other),
        place.register(file, make_key(), machine=other, signers=(other_key,)),
        place.register(file, other_key),
        place.check(file),
        place.check(file, machine=other, signers=(other_key,)),
    ]

    assert {_code(reply) for reply in replies} == {(403, "credentials-replace-another")}


def test_refusals_are_noted_with_their_cause_and_no_more_than_so_many(place: Place) -> None:
    file = place.credentials()

    place.register(file, make_key(), machine=place.machine)
    for _again in range(2 * MOST_OF_ONE):
        place.ask("/register/check", {**_shown(file), "secret": "guessed" * 99})
    place.clock.jump(timedelta(minutes=61))
    place.ask("/register/check", {**_shown(file), "credentials_id": "x" * 999})

    with place.plane.database.read() as db:
        noted = db.query(AuditEntry).filter_by(act=ACT).order_by(AuditEntry.id).all()
    assert len(noted) == MOST_OF_ONE + 1
    assert noted[0].vault_id == place.vault
    assert noted[0].object == place.machine
    assert noted[0].address
    assert noted[0].outcome == "denied"
    assert noted[0].detail == {"code": "machine-not-proven", "credentials": file.credentials_id}
    assert {row.detail["code"] for row in noted[1:]} == {"credentials-unknown"}
    assert noted[-1].detail["credentials"] == "x" * 64
    assert noted[-1].vault_id is None


def test_only_who_may_register_issues_it_and_only_for_this_vault(place: Place) -> None:
    reader = add_person(place.plane, "ria", role=Role.READER, vault_id=place.vault)
    operator = add_person(place.plane, "ole", role=Role.OPERATOR, vault_id=place.vault)

    refused = place.issue(place.machine, token=reader.token)
    unknown = place.issue("f" * 16)
    issued = place.issue(place.machine, token=operator.token)

    assert _code(refused) == (403, "credentials-denied")
    assert _code(unknown) == (404, "not-there")
    assert issued.json()["replaces"] == place.machine
    with place.plane.database.read() as db:
        noted = db.query(AuditEntry).filter_by(act="credentials-issue").order_by(AuditEntry.id)
        assert [row.detail.get("replaces") for row in noted][-1] == place.machine


def test_full_vault_lets_a_machine_be_replaced(tmp_path: Path) -> None:
    place = Place(tmp_path)
    client = client_of(place.plane, token=place.admin.token, app=place.app)
    client.patch(f"/api/v1/vaults/{place.vault}", json={"machine_limit": 1})

    file = place.credentials(place.machine)

    assert place.register(file, make_key(), machine=place.machine).status_code == 200
    assert _code(place.issue(None)) == (403, "vault-full")
