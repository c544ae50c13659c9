"""The API as people and their programs see it."""

from typing import Any

import pytest
from httpx import Client

from holdfast.app.control import accounts, replaying
from holdfast.app.control.errors import IdempotencyUnderWay
from holdfast.app.control.plane import Plane
from holdfast.app.control.replaying import Asked
from holdfast.catalog.errors import DatabaseUnavailable
from holdfast.catalog.tables import Replayed
from holdfast.fleet.roles import Role
from holdfast.server.application import PREFIX, make_app
from holdfast.server.problems import MEDIA_TYPE
from holdfast.testing.planes import (
    Someone,
    add_machine,
    add_person,
    add_vault,
    client_of,
)

PASSWORD = "four random words here"
# A password, or the secret of a credentials file, is what these ask for; the authority is public.
_OPEN = {
    ("get", f"{PREFIX}/ca"),
    ("post", f"{PREFIX}/sessions"),
    ("post", f"{PREFIX}/register"),
    ("post", f"{PREFIX}/register/check"),
}
_METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def client(plane: Plane, admin: Someone) -> Client:
    return client_of(plane, token=admin.token)


def _add_ada(plane: Plane, admin: Someone) -> None:
    accounts.add_account(plane, admin.actor, name="ada", password=PASSWORD, lang="en")


def _logged_in(plane: Plane) -> Client:
    answer = client_of(plane).post(f"{PREFIX}/sessions", json={"name": "ada", "password": PASSWORD})
    return client_of(plane, token=answer.json()["token"])


def test_caller_learns_nothing_of_a_database_that_is_away(
    plane: Plane, client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise DatabaseUnavailable(database="postgresql://db.internal/x", reason="no route to it")

    monkeypatch.setattr(plane.database, "read", away)

    answer = client.get(f"{PREFIX}/vaults")

    assert (answer.status_code, answer.json()["code"]) == (503, "server-state-away")
    assert "db.internal" not in answer.text
    assert "db.internal" in caplog.text


def test_every_operation_refuses_a_stranger(plane: Plane) -> None:
    app = make_app(plane)
    stranger = client_of(plane, app=app)

    answers = {
        (method, path): stranger.request(method, path.replace("{", "x").replace("}", ""))
        for path, item in app.openapi()["paths"].items()
        for method in _METHODS & item.keys()
        if path.startswith(PREFIX) and (method, path) not in _OPEN
    }

    assert len(answers) > 20
    assert {a: r.status_code for a, r in answers.items() if r.status_code != 401} == {}
    assert {r.headers["content-type"] for r in answers.values()} == {MEDIA_TYPE}


def test_login_walks_through_the_api(plane: Plane, admin: Someone) -> None:
    _add_ada(plane, admin)
    ada = _logged_in(plane)

    me = ada.get(f"{PREFIX}/me").json()
    out = ada.delete(f"{PREFIX}/sessions/current")

    assert (me["name"], me["is_admin"], me["roles"]) == ("ada", False, [])
    assert out.status_code == 204
    assert ada.get(f"{PREFIX}/me").status_code == 401


def test_refused_login_says_no_more_than_that(plane: Plane) -> None:
    answer = client_of(plane).post(f"{PREFIX}/sessions", json={"name": "x", "password": "y"})

    assert answer.status_code == 401
    assert answer.json()["code"] == "login-refused"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "route-unknown"),
        ("POST", "/me", 405, "route-unknown"),
        ("GET", "/vaults?limit=0", 422, "request-malformed"),
        ("GET", "/vaults?after=nonsense", 422, "cursor-not-understood"),
        ("GET", "/audit?after=WyI5OTk5OTk5OTk5OTk5OTk5OTk5OSJd", 422, "cursor-not-understood"),
        ("GET", "/vaults/none", 404, "not-there"),
    ],
)
def test_every_refusal_is_a_problem_with_our_code(
    client: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, PREFIX + path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert answer.json()["code"] == code
    assert answer.json()["remedy"]


def test_approval_opens_what_two_have_to_agree_on(plane: Plane, admin: Someone) -> None:
    _add_ada(plane, admin)
    vault = add_vault(plane, four_eyes=True)
    client_of(plane, token=admin.token).put(
        f"{PREFIX}/vaults/{vault}/grants/ada", json={"role": "contributor"}
    )
    ada, where, off = _logged_in(plane), f"{PREFIX}/vaults/{vault}", {"four_eyes": False}

    refused = ada.patch(where, json=off)
    pin = {"Holdfast-Pin": ada.post(f"{PREFIX}/me/pin", json={"password": PASSWORD}).json()["pin"]}
    wanted = ada.patch(where, json=off, headers=pin).json()
    asked = ada.post(
        f"{PREFIX}/approvals",
        json={"vault": vault, "act": wanted["fields"]["act"], "request": off},
    ).json()
    own = ada.post(f"{PREFIX}/approvals/{asked['id']}/decision", json={"approve": True})
    client_of(plane, token=admin.token).post(
        f"{PREFIX}/approvals/{asked['id']}/decision", json={"approve": True}
    )
    done = ada.patch(where, json=off, headers={**pin, "Holdfast-Approval": asked["id"]})

    assert refused.json()["code"] == "pin-needed"
    assert wanted["code"] == "approval-needed"
    assert own.json()["code"] == "approval-own"
    assert done.json()["four_eyes"] is False


def test_guessing_the_pin_voids_it(plane: Plane, admin: Someone) -> None:
    _add_ada(plane, admin)
    vault = add_vault(plane)
    add_person(plane, "unused")
    client_of(plane, token=admin.token).put(
        f"{PREFIX}/vaults/{vault}/grants/ada", json={"role": "contributor"}
    )
    ada = _logged_in(plane)
    pin = ada.post(f"{PREFIX}/me/pin", json={"password": PASSWORD}).json()["pin"]
    lab = {"is_lab": True}
    where = f"{PREFIX}/vaults/{vault}"

    for _guess in range(5):
        assert ada.patch(where, json=lab, headers={"Holdfast-Pin": "x"}).status_code == 403
    answer = ada.patch(where, json=lab, headers={"Holdfast-Pin": pin})

    assert answer.json()["code"] == "pin-wrong"


def test_acts_and_refusals_are_in_the_audit_log(plane: Plane, client: Client) -> None:
    vault = add_vault(plane)
    reader = add_person(plane, "ada", role=Role.READER, vault_id=vault)

    client.patch(f"{PREFIX}/vaults/{vault}", json={"machine_limit": 7})
    client_of(plane, token=reader.token).patch(
        f"{PREFIX}/vaults/{vault}", json={"machine_limit": 8}
    )
    entries = client.get(f"{PREFIX}/audit", params={"vault": vault}).json()["items"]

    assert [(one["actor"], one["act"], one["outcome"]) for one in entries] == [
        ("person:ada", "change-protection", "denied"),
        ("person:admin", "vault-change", "done"),
    ]
    assert entries[1]["detail"] == {"machine_limit": [50, 7]}
    assert entries[0]["address"] == "testclient"


@pytest.mark.parametrize(
    ("role", "status"), [(Role.READER, 403), (Role.OPERATOR, 403), (Role.CONTRIBUTOR, 200)]
)
def test_audit_of_a_vault_is_for_contributors(plane: Plane, role: Role, status: int) -> None:
    vault = add_vault(plane)
    someone = client_of(plane, token=add_person(plane, role=role, vault_id=vault).token)

    assert someone.get(f"{PREFIX}/audit", params={"vault": vault}).status_code == status
    assert someone.get(f"{PREFIX}/audit").status_code == 403


def test_audit_comes_in_pages_and_by_filter(client: Client, plane: Plane) -> None:
    vault = add_vault(plane)
    for limit in range(1, 6):
        client.patch(f"{PREFIX}/vaults/{vault}", json={"machine_limit": limit})

    first = client.get(f"{PREFIX}/audit", params={"limit": 3, "act": "vault-change"}).json()
    rest = client.get(
        f"{PREFIX}/audit", params={"limit": 3, "act": "vault-change", "after": first["next"]}
    ).json()

    found = [one["detail"]["machine_limit"][1] for one in (*first["items"], *rest["items"])]
    assert found == [5, 4, 3, 2, 1]
    assert rest["next"] is None
    assert client.get(f"{PREFIX}/audit", params={"outcome": "denied"}).json()["items"] == []


def test_passwords_and_pins_are_nowhere_in_the_audit_log(plane: Plane, admin: Someone) -> None:
    _add_ada(plane, admin)
    ada = _logged_in(plane)
    pin = ada.post(f"{PREFIX}/me/pin", json={"password": PASSWORD}).json()["pin"]
    ada.put(f"{PREFIX}/me/password", json={"old": PASSWORD, "new": PASSWORD + "!"})
    client = client_of(plane, token=admin.token)
    client.patch(f"{PREFIX}/accounts/ada", json={"password": PASSWORD + "?"})

    details = [one["detail"] for one in client.get(f"{PREFIX}/audit").json()["items"]]

    assert PASSWORD not in str(details)
    assert pin not in str(details)


def test_request_with_a_key_is_done_once(plane: Plane, client: Client) -> None:
    key = {"Idempotency-Key": "7d0f"}
    wanted = {"name": "watch", "scopes": ["read"]}

    first = client.post(f"{PREFIX}/me/tokens", json=wanted, headers=key)
    again = client.post(f"{PREFIX}/me/tokens", json=wanted, headers=key)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert len(client.get(f"{PREFIX}/me/tokens").json()["items"]) == 1
    assert first.json()["token"] not in _kept(plane)


def test_key_of_another_request_is_refused(client: Client) -> None:
    key = {"Idempotency-Key": "7d0f"}
    client.post(f"{PREFIX}/me/tokens", json={"name": "one"}, headers=key)

    answer = client.post(f"{PREFIX}/me/tokens", json={"name": "two"}, headers=key)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")


def test_keys_of_two_people_are_two_keys(plane: Plane, client: Client) -> None:
    key = {"Idempotency-Key": "7d0f"}
    other = client_of(plane, token=add_person(plane, "ada").token)

    mine = client.post(f"{PREFIX}/me/tokens", json={"name": "one"}, headers=key)
    theirs = other.post(f"{PREFIX}/me/tokens", json={"name": "one"}, headers=key)

    assert mine.json()["id"] != theirs.json()["id"]


def test_refused_request_may_come_again_with_its_key(plane: Plane, client: Client) -> None:
    key, wanted = {"Idempotency-Key": "7d0f"}, {"name": "v", "location": "memory:x"}
    refused = client.post(f"{PREFIX}/vaults", json=wanted, headers=key)

    again = client.post(f"{PREFIX}/vaults", json={**wanted, "is_lab": True}, headers=key)

    assert (refused.status_code, again.status_code) == (422, 201)


def test_request_under_way_is_not_begun_again(plane: Plane, client: Client) -> None:
    key = {"Idempotency-Key": "7d0f"}
    client.post(f"{PREFIX}/me/tokens", json={"name": "one"}, headers=key)
    with plane.database.write() as db:
        db.get_one(Replayed, ("account-admin", "7d0f")).status = None

    answer = client.post(f"{PREFIX}/me/tokens", json={"name": "one"}, headers=key)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency-under-way")


def test_order_of_a_server_that_died_before_it_answered_is_not_done_twice(
    plane: Plane, client: Client
) -> None:
    machine = add_machine(plane, add_vault(plane))
    path, key = f"{PREFIX}/machines/{machine.id}/jobs", {"Idempotency-Key": "7d0f"}
    first = client.post(path, json={"kind": "check"}, headers=key)
    _forget_answer(plane)

    early = client.post(path, json={"kind": "check"}, headers=key)
    plane.clock.sleep(replaying.ABANDONED_AFTER.total_seconds())
    again = client.post(path, json={"kind": "check"}, headers=key)

    assert (early.status_code, again.status_code) == (409, 201)
    assert again.json() == first.json()
    assert len(client.get(f"{PREFIX}/jobs").json()["items"]) == 1


def test_claim_is_renewed_and_ended_by_its_own_attempt_only(plane: Plane) -> None:
    one, other = (Asked(caller="ada", key="7d0f", secret="-", request=b"POST") for _ in range(2))
    replaying.begin(plane, one)
    plane.clock.sleep(10)
    replaying.renew(plane, one)
    plane.clock.sleep(10)
    with pytest.raises(IdempotencyUnderWay):
        replaying.begin(plane, other)
    plane.clock.sleep(10)

    taken = replaying.begin(plane, other)
    replaying.release(plane, one)

    assert taken is None
    with pytest.raises(IdempotencyUnderWay):
        replaying.begin(plane, one)


def test_revoked_token_is_given_no_kept_answer(plane: Plane, client: Client) -> None:
    key = {"Idempotency-Key": "7d0f"}
    client.post(f"{PREFIX}/me/tokens", json={"name": "one"}, headers=key)
    client.delete(f"{PREFIX}/sessions/current")

    answer = client.post(f"{PREFIX}/me/tokens", json={"name": "one"}, headers=key)

    assert answer.status_code == 401


@pytest.mark.parametrize("key", ["x" * 201, "\x7f"])
def test_key_that_is_none_is_refused(client: Client, key: str) -> None:
    answer = client.post(
        f"{PREFIX}/me/tokens", json={"name": "one"}, headers={"Idempotency-Key": key}
    )

    assert answer.json()["code"] == "idempotency-key-not-good"


def test_document_describes_problems_and_login(plane: Plane) -> None:
    document: dict[str, Any] = make_app(plane).openapi()

    operation = document["paths"][f"{PREFIX}/vaults"]["get"]

    assert "Problem" in document["components"]["schemas"]
    assert list(operation["responses"]["404"]["content"]) == [MEDIA_TYPE]
    assert operation["security"] == [{"HTTPBearer": []}]


def _forget_answer(plane: Plane) -> None:
    """As it is when the server is killed between the act and the keeping of its answer."""
    with plane.database.write() as db:
        row = db.get_one(Replayed, ("account-admin", "7d0f"))
        row.status, row.body = None, {"claim": "of the dead"}


def _kept(plane: Plane) -> str:
    with plane.database.read() as db:
        return str(db.get_one(Replayed, ("account-admin", "7d0f")).body)
