"""Registration as a machine and a person meet it at the API."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.catalog.tables import AuditEntry, Certificate, Machine
from holdfast.fleet.credentials_file import CredentialsFile, read_credentials
from holdfast.fleet.roles import Role, Scope
from holdfast.server.application import make_app
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import (
    Someone,
    add_admin,
    add_person,
    add_vault,
    client_of,
    make_csr,
    make_key,
    make_plane,
)

if TYPE_CHECKING:
    from holdfast.app.control.plane import Plane

_KEY_A, _KEY_B = "a" * 64, "b" * 64


class Place:
    """A plane with one vault, a person of each role, and a machine's way in."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.plane: Plane = make_plane(folder, clock=self.clock)
        self.app = make_app(self.plane)
        self.admin = add_admin(self.plane)
        self.vault = add_vault(self.plane, "office")
        self.people = {
            role: add_person(self.plane, role.value, role=role, vault_id=self.vault)
            for role in Role
        }

    def ask(self, who: Someone | None, method: str, path: str, **more: Any) -> Any:
        client = client_of(self.plane, token=who.token if who else None, app=self.app)
        return client.request(method, f"/api/v1{path}", **more)

    def as_machine(self, fingerprint: str, method: str, path: str, **more: Any) -> Any:
        client = client_of(self.plane, machine=fingerprint, app=self.app)
        return client.request(method, f"/api/v1{path}", **more)

    def credentials(
        self, vault: str | None = None, *, replaces: str | None = None
    ) -> CredentialsFile:
        path = f"/vaults/{vault or self.vault}/credentials"
        reply = self.ask(self.admin, "POST", path, json={"replaces": replaces})
        assert reply.status_code == 201, reply.text
        return read_credentials(reply.json()["content"].encode(), file="x")

    def register(self, file: CredentialsFile, **more: Any) -> Any:
        csr = more.pop("csr", None) or make_csr(make_key())
        body = {
            "credentials_id": file.credentials_id,
            "secret": file.secret,
            "vault_id": file.vault_id,
            "csr": csr,
            "name": "alpha",
            "agent_version": "1",
            **more,
        }
        return self.ask(None, "POST", "/register", json=body)

    def good_fingerprint(self, machine_id: str) -> str:
        """Of the newest certificate that is good."""
        with self.plane.database.read() as db:
            rows = db.query(Certificate).filter_by(machine_id=machine_id, revoked_at=None)
            return max(rows, key=lambda row: row.issued_at).fingerprint

    def acts(self) -> list[str]:
        with self.plane.database.read() as db:
            return [row.act for row in db.query(AuditEntry).order_by(AuditEntry.id)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _code(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json().get("code", "")


# Issuing


def test_operator_issues_and_reader_is_told_what_the_role_lacks(place: Place) -> None:
    path = f"/vaults/{place.vault}/credentials"

    issued = place.ask(place.people[Role.OPERATOR], "POST", path)
    refused = place.ask(place.people[Role.READER], "POST", path)

    assert issued.status_code == 201
    assert issued.json()["file_name"].startswith("office-")
    assert _code(refused) == (403, "credentials-denied")
    assert "403" in refused.json()["source_codes"]


def test_token_of_reading_scope_issues_nothing(place: Place) -> None:
    limited = add_person(place.plane, "bot", is_admin=True, scopes=(Scope.READ,))

    reply = place.ask(limited, "POST", f"/vaults/{place.vault}/credentials")

    assert _code(reply) == (403, "credentials-denied")


def test_full_vault_issues_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.vault = add_vault(place.plane, "tiny", machine_limit=1)
    place.register(place.credentials())

    reply = place.ask(place.admin, "POST", f"/vaults/{place.vault}/credentials")

    assert _code(reply) == (403, "vault-full")
    assert "1 is the limit" in reply.json()["detail"]


def test_secret_lies_nowhere_in_the_database(place: Place, tmp_path: Path) -> None:
    file = place.credentials()

    stored = b"".join(part.read_bytes() for part in tmp_path.rglob("state.db*"))

    assert file.secret.encode() not in stored
    assert file.credentials_id.encode() in stored


# Registering


def test_several_machines_use_one_file(place: Place) -> None:
    file = place.credentials()

    replies = [place.register(file, name=name) for name in ("alpha", "beta")]

    assert [reply.status_code for reply in replies] == [200, 200]
    assert len({reply.json()["machine_id"] for reply in replies}) == 2


def test_each_refusal_has_its_own_code(place: Place) -> None:
    first, second = place.credentials(), place.credentials()
    other = add_vault(place.plane, "other")

    seen = {
        "superseded": _code(place.register(first)),
        "wrong secret": _code(place.register(second, secret="guessed")),
        "wrong id": _code(place.register(second, credentials_id="none")),
        "another vault's id": _code(place.register(second, vault_id=other)),
        "no request": _code(place.register(second, csr="nonsense")),
        "nobody's id": _code(place.register(second, machine_id="f" * 16)),
    }
    place.clock.jump(timedelta(hours=48))
    seen["expired"] = _code(place.register(second))

    assert seen == {
        "superseded": (403, "credentials-superseded"),
        "wrong secret": (403, "credentials-unknown"),
        "wrong id": (403, "credentials-unknown"),
        "another vault's id": (422, "credentials-corrupt"),
        "no request": (422, "signing-request-refused"),
        "nobody's id": (404, "machine-unknown"),
        "expired": (403, "credentials-expired"),
    }


@pytest.mark.parametrize("code", ["34513"])
def test_invalid_credentials_carry_the_number_people_search_for(place: Place, code: str) -> None:
    first, second = place.credentials(), place.credentials()
    replies = [place.register(first), place.register(second, secret="guessed")]
    place.clock.jump(timedelta(hours=48))
    replies.append(place.register(second))

    assert all(code in reply.json()["source_codes"] for reply in replies)


def test_machine_of_another_vault_is_refused_with_both_ids(place: Place) -> None:
    other = add_vault(place.plane, "other")
    machine = place.register(place.credentials()).json()["machine_id"]

    reply = place.register(place.credentials(other), machine_id=machine)

    assert _code(reply) == (409, "wrong-vault")
    assert "100110" in reply.json()["source_codes"]
    assert place.vault in reply.json()["detail"]
    assert other in reply.json()["detail"]


def test_full_vault_still_lets_its_own_machines_in_again(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.vault = add_vault(place.plane, "tiny", machine_limit=1)
    file, csr = place.credentials(), make_csr(make_key())
    machine = place.register(file, csr=csr).json()["machine_id"]

    stranger, again = place.register(file), place.register(file, csr=csr, machine_id=machine)

    assert _code(stranger) == (403, "vault-full")
    assert again.status_code == 200
    assert again.json()["machine_id"] == machine


def test_the_same_request_again_is_the_same_machine_and_locks_nobody_out(place: Place) -> None:
    file, csr = place.credentials(), make_csr(make_key())
    first = place.register(file, csr=csr).json()
    shown = place.good_fingerprint(first["machine_id"])

    second = place.register(file, csr=csr).json()

    assert second["machine_id"] == first["machine_id"]
    assert second["gateway_password"] == first["gateway_password"]
    assert (
        place.as_machine(shown, "PUT", "/agent/key", json={"key_fingerprint": _KEY_A}).status_code
        == 204
    )


def test_registering_again_keeps_the_repository_and_revokes_what_was_before(place: Place) -> None:
    file, csr = place.credentials(), make_csr(make_key())
    first = place.register(file, csr=csr).json()
    former = place.good_fingerprint(first["machine_id"])
    place.as_machine(former, "PUT", "/agent/key", json={"key_fingerprint": _KEY_A})

    file = place.credentials(replaces=first["machine_id"])
    again = place.register(file, machine_id=first["machine_id"]).json()
    replayed = place.register(file, csr=csr)

    assert again["gateway_path"] == first["gateway_path"]
    assert again["key_fingerprint"] == _KEY_A
    refused = place.as_machine(former, "PUT", "/agent/key", json={"key_fingerprint": _KEY_A})
    assert refused.status_code == 401
    assert _code(replayed) == (403, "key-revoked")
    assert place.acts()[-2:] != ["machine-register", "machine-register"]


def test_new_name_is_a_warning_in_the_log_and_nothing_more(place: Place) -> None:
    file, csr = place.credentials(), make_csr(make_key())
    machine = place.register(file, csr=csr).json()["machine_id"]

    place.register(file, csr=csr, machine_id=machine, name="omega")

    with place.plane.database.read() as db:
        note = db.query(AuditEntry).filter_by(act="machine-renamed").one()
        row = db.get(Machine, machine)
    assert row is not None
    assert row.name == "omega"
    assert note.detail == {"from": "alpha", "to": "omega", "source_code": "230006"}


def test_check_says_the_same_and_changes_nothing(place: Place) -> None:
    first, second = place.credentials(), place.credentials()
    body = [
        {"credentials_id": f.credentials_id, "secret": f.secret, "vault_id": f.vault_id}
        for f in (first, second)
    ]
    before = place.acts()

    replies = [place.ask(None, "POST", "/register/check", json=one) for one in body]

    assert _code(replies[0]) == (403, "credentials-superseded")
    assert replies[1].status_code == 204
    assert place.acts() == [*before, "registration-refused"]


# Afterwards


def test_fingerprint_of_the_key_is_set_once(place: Place) -> None:
    machine = place.register(place.credentials()).json()["machine_id"]
    shown = place.good_fingerprint(machine)

    statuses = [
        place.as_machine(shown, "PUT", "/agent/key", json={"key_fingerprint": key})
        for key in (_KEY_A, _KEY_A, _KEY_B)
    ]

    assert [reply.status_code for reply in statuses] == [204, 204, 409]
    assert statuses[2].json()["code"] == "passphrase-key-differs"
    assert "34506" in statuses[2].json()["source_codes"]


def test_key_is_reset_only_with_the_pin(place: Place) -> None:
    machine = place.register(place.credentials()).json()["machine_id"]
    contributor = place.people[Role.CONTRIBUTOR]

    by_operator = place.ask(place.people[Role.OPERATOR], "POST", f"/machines/{machine}/reset-key")
    without_pin = place.ask(contributor, "POST", f"/machines/{machine}/reset-key")

    assert _code(by_operator) == (403, "not-allowed")
    assert _code(without_pin) == (403, "pin-needed")


def test_renewed_certificate_is_good_and_the_one_shown_stays_so(place: Place) -> None:
    machine = place.register(place.credentials()).json()["machine_id"]
    shown = place.good_fingerprint(machine)
    place.clock.jump(timedelta(days=1))

    reply = place.as_machine(
        shown, "POST", "/agent/certificate", json={"csr": make_csr(make_key())}
    )
    fresh = place.good_fingerprint(machine)

    assert reply.status_code == 200
    assert fresh != shown
    for fingerprint in (shown, fresh):
        assert place.as_machine(fingerprint, "GET", "/agent/readable").status_code == 200


def test_lost_answers_to_renewals_lock_nobody_out(place: Place) -> None:
    machine = place.register(place.credentials()).json()["machine_id"]
    shown = place.good_fingerprint(machine)

    for _lost in range(3):
        body = {"csr": make_csr(make_key())}
        assert place.as_machine(shown, "POST", "/agent/certificate", json=body).status_code == 200

    assert place.as_machine(shown, "GET", "/agent/readable").status_code == 200


def test_key_of_another_machine_is_not_certified(place: Place) -> None:
    file, csr = place.credentials(), make_csr(make_key())
    place.register(file, csr=csr)
    other = place.register(file, name="beta").json()["machine_id"]
    shown = place.good_fingerprint(other)

    reply = place.as_machine(shown, "POST", "/agent/certificate", json={"csr": csr})

    assert reply.status_code == 404


def test_revoked_machine_is_locked_out_and_comes_back_by_a_file_for_it(place: Place) -> None:
    file = place.credentials()
    machine = place.register(file).json()["machine_id"]
    shown = place.good_fingerprint(machine)

    view = place.ask(place.people[Role.OPERATOR], "POST", f"/machines/{machine}/revoke").json()
    refused = place.as_machine(shown, "GET", "/agent/readable")
    file = place.credentials(replaces=machine)
    again = place.register(file, machine_id=machine)

    assert view["health"] == "no-certificate"
    assert refused.status_code == 401
    assert again.json()["machine_id"] == machine


def test_machine_leaves_and_its_points_stay(place: Place) -> None:
    file = place.credentials()
    machine = place.register(file).json()["machine_id"]
    shown = place.good_fingerprint(machine)

    left = place.as_machine(shown, "POST", "/agent/unregister")
    view = place.ask(place.admin, "GET", f"/machines/{machine}").json()
    file = place.credentials(replaces=machine)
    again = place.register(file, machine_id=machine)

    assert left.status_code == 204
    assert view["state"] == "unregistered"
    assert view["purge_at"] is None
    assert again.status_code == 200


def test_operator_unregisters_nothing(place: Place) -> None:
    machine = place.register(place.credentials()).json()["machine_id"]

    reply = place.ask(
        place.people[Role.OPERATOR], "POST", f"/machines/{machine}/unregister", json={}
    )

    assert _code(reply) == (403, "not-allowed")


def test_deleting_data_needs_the_pin(place: Place) -> None:
    machine = place.register(place.credentials()).json()["machine_id"]

    reply = place.ask(
        place.people[Role.CONTRIBUTOR],
        "POST",
        f"/machines/{machine}/unregister",
        json={"delete_data": True},
    )

    assert _code(reply) == (403, "pin-needed")


def test_immutable_vault_deletes_no_data(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.vault = add_vault(place.plane, "worm", immutability="on")
    machine = place.register(place.credentials()).json()["machine_id"]

    reply = place.ask(
        place.admin, "POST", f"/machines/{machine}/unregister", json={"delete_data": True}
    )

    assert _code(reply) == (409, "data-immutable")


@pytest.mark.parametrize("is_late", [False, True])
def test_deleted_machine_can_be_brought_back_for_some_days(place: Place, is_late: bool) -> None:
    machine = _deleted(place)
    refused = place.register(place.credentials(), machine_id=machine)
    place.clock.jump(timedelta(days=14 if is_late else 13))

    reply = place.ask(place.admin, "POST", f"/machines/{machine}/undelete")

    assert _code(refused) == (409, "machine-deleted")
    if is_late:
        assert _code(reply) == (409, "machine-purged")
    else:
        assert reply.json()["state"] == "unregistered"


def _deleted(place: Place) -> str:
    """A machine of which the administrator deleted the data, by way of a lab vault's rights."""
    machine: str = place.register(place.credentials()).json()["machine_id"]
    with place.plane.database.write() as db:
        row = db.get(Machine, machine)
        assert row is not None
        row.state, row.deleted_at = "deleted", place.clock.now()
        row.purge_at = place.clock.now() + timedelta(days=14)
    return machine


def test_lab_vault_deletes_at_once_without_pin(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.vault = add_vault(place.plane, "lab", is_lab=True)
    machine = place.register(place.credentials()).json()["machine_id"]

    view = place.ask(
        place.admin, "POST", f"/machines/{machine}/unregister", json={"delete_data": True}
    ).json()

    assert view["state"] == "deleted"
    assert view["purge_at"] == view["deleted_at"]


# Seen by people


def test_machines_are_listed_in_pages_and_only_to_those_who_may_read(place: Place) -> None:
    file = place.credentials()
    for name in ("alpha", "beta", "gamma"):
        place.register(file, name=name)
    hidden = add_vault(place.plane, "hidden")
    place.register(place.credentials(hidden), name="secret")
    reader = place.people[Role.READER]

    first = place.ask(reader, "GET", "/machines?limit=2").json()
    second = place.ask(reader, "GET", f"/machines?limit=2&after={first['next']}").json()

    assert [one["name"] for one in first["items"] + second["items"]] == ["alpha", "beta", "gamma"]
    assert second["next"] is None
    assert place.ask(reader, "GET", f"/machines?vault={hidden}").status_code == 403
    assert len(place.ask(place.admin, "GET", "/machines").json()["items"]) == 4


def test_rename_by_a_person_keeps_the_id(place: Place) -> None:
    machine = place.register(place.credentials()).json()["machine_id"]

    operator = place.people[Role.OPERATOR]
    view = place.ask(operator, "PATCH", f"/machines/{machine}", json={"name": "mail"}).json()
    bad = place.ask(operator, "PATCH", f"/machines/{machine}", json={"name": "a\nb"})

    assert (view["id"], view["name"]) == (machine, "mail")
    assert _code(bad) == (422, "name-not-good")


def _beat(place: Place, machine: str, host: str) -> None:
    beat = {
        "at": place.clock.now().isoformat(),
        "name": host,
        "agent_version": "1",
        "facts": {},
        "running": [],
        "assignments_etag": "",
    }
    shown = place.good_fingerprint(machine)
    assert place.as_machine(shown, "POST", "/agent/heartbeat", json=beat).status_code == 200


def _name(place: Place, machine: str) -> str:
    return str(place.ask(place.admin, "GET", f"/machines/{machine}").json()["name"])


def test_chosen_name_holds_whatever_the_host_is_called(place: Place) -> None:
    chosen = place.register(place.credentials(), name="web1", host="host-7").json()["machine_id"]

    _beat(place, chosen, "host-7")
    at_first = place.acts()
    _beat(place, chosen, "host-8")

    assert "machine-renamed" not in at_first
    assert place.acts().count("machine-renamed") == 1
    assert _name(place, chosen) == "web1"


def test_name_people_gave_later_holds_too(place: Place) -> None:
    machine = place.register(place.credentials(), name="host-7", host="host-7").json()["machine_id"]
    place.ask(place.admin, "PATCH", f"/machines/{machine}", json={"name": "mail"})

    _beat(place, machine, "host-7")

    assert _name(place, machine) == "mail"


def test_name_of_the_host_follows_the_host_and_is_told(place: Place) -> None:
    machine = place.register(place.credentials(), name="host-7", host="host-7").json()["machine_id"]

    for _again in range(2):
        _beat(place, machine, "host-8")

    told = place.ask(place.admin, "GET", "/alerts").json()["items"]
    assert _name(place, machine) == "host-8"
    assert [(one["kind"], one["fields"]["before"]) for one in told] == [
        ("machine-renamed", "host-7")
    ]


def test_health_says_who_is_silent(place: Place) -> None:
    machine = place.register(place.credentials()).json()["machine_id"]
    never = place.ask(place.admin, "GET", f"/machines/{machine}").json()["health"]
    with place.plane.database.write() as db:
        row = db.get(Machine, machine)
        assert row is not None
        row.last_seen_at = place.clock.now()

    seen = place.ask(place.admin, "GET", f"/machines/{machine}").json()["health"]
    place.clock.jump(timedelta(minutes=6))
    silent = place.ask(place.admin, "GET", f"/machines/{machine}").json()["health"]

    assert [never, seen, silent] == ["never-seen", "ok", "silent"]


# Reading another machine's points


def test_reader_is_allowed_for_hours_and_told_of_it(place: Place) -> None:
    file = place.credentials()
    alpha = place.register(file).json()["machine_id"]
    beta = place.register(file, name="beta").json()["machine_id"]
    shown = place.good_fingerprint(beta)
    operator = place.people[Role.OPERATOR]

    grant = place.ask(
        operator, "POST", f"/machines/{alpha}/readers", json={"reader": beta, "hours": 2}
    ).json()
    told = place.as_machine(shown, "GET", "/agent/readable").json()
    place.clock.jump(timedelta(hours=2))

    assert told == [grant]
    assert grant["gateway_path"].endswith(f"/{alpha}")
    assert place.as_machine(shown, "GET", "/agent/readable").json() == []


def test_grant_ends_when_taken_back(place: Place) -> None:
    file = place.credentials()
    alpha = place.register(file).json()["machine_id"]
    beta = place.register(file, name="beta").json()["machine_id"]
    path = f"/machines/{alpha}/readers"
    grant = place.ask(place.admin, "POST", path, json={"reader": beta}).json()

    ended = place.ask(place.admin, "DELETE", f"{path}/{grant['id']}")

    assert ended.status_code == 204
    assert place.ask(place.admin, "GET", path).json() == []


def test_no_reader_from_another_vault_and_none_of_itself(place: Place) -> None:
    alpha = place.register(place.credentials()).json()["machine_id"]
    other = add_vault(place.plane, "other")
    foreign = place.register(place.credentials(other)).json()["machine_id"]
    path = f"/machines/{alpha}/readers"

    replies = [
        place.ask(place.admin, "POST", path, json={"reader": who}) for who in (foreign, alpha)
    ]

    assert _code(replies[0]) == (409, "wrong-vault")
    assert _code(replies[1]) == (422, "reader-is-itself")


def test_reader_role_grants_nothing(place: Place) -> None:
    file = place.credentials()
    alpha = place.register(file).json()["machine_id"]
    beta = place.register(file, name="beta").json()["machine_id"]

    reply = place.ask(
        place.people[Role.READER], "POST", f"/machines/{alpha}/readers", json={"reader": beta}
    )

    assert _code(reply) == (403, "not-allowed")
