"""People, and those who would like to be: logging in, PINs, approvals, requests sent again."""

from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from httpx import Client

from holdfast.app.control.accounts import add_account
from holdfast.catalog.tables import Account, Grant
from holdfast.fleet.roles import Role
from holdfast.server.application import PREFIX, make_app
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_vault, client_of, make_plane

PASSWORD = "four random words here"


class Office:
    """A vault where two have to agree, and two contributors with passwords."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.plane = make_plane(folder, clock=self.clock)
        self.app = make_app(self.plane)
        self.admin = add_admin(self.plane)
        self.vault = add_vault(self.plane, "office", four_eyes=True, soft_delete_days=100)
        for name in ("ada", "bob"):
            self._contributor(name)

    def _contributor(self, name: str) -> None:
        add_account(self.plane, self.admin.actor, name=name, password=PASSWORD, lang="en")
        with self.plane.database.write() as db:
            account = db.query(Account).filter_by(name=name).one()
            role = Role.CONTRIBUTOR.value
            db.add(Grant(account_id=account.id, vault_id=self.vault, role=role))

    def log_in(self, name: str, password: str = PASSWORD) -> Any:
        body = {"name": name, "password": password}
        return client_of(self.plane, app=self.app).post(f"{PREFIX}/sessions", json=body)

    def client(self, name: str) -> Client:
        return client_of(self.plane, token=self.log_in(name).json()["token"], app=self.app)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.plane.database.close()


def _code(answer: Any) -> str:
    return str(answer.json().get("code", ""))


def _pin(client: Client) -> str:
    return str(client.post(f"{PREFIX}/me/pin", json={"password": PASSWORD}).json()["pin"])


def _weaken(office: Office, client: Client, *, days: int, **headers: str) -> Any:
    """Less time in the trash: needs the PIN, and here an approval as well."""
    sent = {f"Holdfast-{name}": value for name, value in headers.items()}
    body = {"soft_delete_days": days}
    return client.patch(f"{PREFIX}/vaults/{office.vault}", json=body, headers=sent)


def _approval(office: Office, asking: Client, deciding: Client, *, days: int) -> str:
    needed = _weaken(office, asking, days=days, Pin=_pin(asking)).json()["fields"]
    wanted = {"vault": office.vault, "act": needed["act"], "request": {"soft_delete_days": days}}
    asked = asking.post(f"{PREFIX}/approvals", json=wanted).json()["id"]
    deciding.post(f"{PREFIX}/approvals/{asked}/decision", json={"approve": True})
    return str(asked)


def test_an_unknown_name_takes_as_long_to_refuse_as_a_known_one(office: Office) -> None:
    office.log_in("warm")
    took: dict[str, list[float]] = {"ada": [], "nobody": []}

    def ratio() -> float:
        return min(took["ada"]) / min(took["nobody"])

    # Of the processor, since others may be busy here; what comes in between only adds to it.
    for round_ in range(20):
        for name, times in took.items():
            began = process_time()
            assert office.log_in(name, "wrong").status_code == 401
            times.append(process_time() - began)
        office.clock.sleep(3600)  # the account is not to be locked
        if round_ >= 3 and 0.5 < ratio() < 2:
            break

    assert 0.5 < ratio() < 2


def test_a_locked_account_opens_to_nothing_and_says_no_more_than_before(office: Office) -> None:
    client, first = office.client("ada"), office.log_in("ada", "wrong").json()
    for _further in range(4):
        office.log_in("ada", "wrong")

    locked = office.log_in("ada").json()

    assert (locked["code"], locked["detail"]) == (first["code"], first["detail"])
    assert _code(client.post(f"{PREFIX}/me/pin", json={"password": PASSWORD})) == "password-wrong"


def test_a_new_pin_voids_the_one_before(office: Office) -> None:
    ada = office.client("ada")
    before, now = _pin(ada), _pin(ada)

    assert before == now or _code(_weaken(office, ada, days=51, Pin=before)) == "pin-wrong"
    assert _code(_weaken(office, ada, days=51, Pin=now)) == "approval-needed"


def test_a_pin_is_of_no_use_to_somebody_else_or_later(office: Office) -> None:
    ada, bob = office.client("ada"), office.client("bob")
    pin = _pin(ada)

    assert _code(_weaken(office, bob, days=51, Pin=pin)) == "pin-wrong"
    office.clock.sleep(301)
    assert _code(_weaken(office, ada, days=51, Pin=pin)) == "pin-wrong"


def test_an_approval_is_for_one_request_of_one_person_once(office: Office) -> None:
    ada, bob = office.client("ada"), office.client("bob")
    approval = _approval(office, ada, bob, days=57)

    answers = [
        _weaken(office, ada, days=51, Pin=_pin(ada), Approval=approval),
        _weaken(office, bob, days=57, Pin=_pin(bob), Approval=approval),
        _weaken(office, ada, days=57, Approval=approval),
        _weaken(office, ada, days=57, Pin=_pin(ada), Approval=approval),
        _weaken(office, ada, days=56, Pin=_pin(ada), Approval=approval),
    ]

    codes = [_code(answer) for answer in answers]
    assert codes == [
        "approval-not-good",
        "approval-not-good",
        "pin-needed",
        "",
        "approval-not-good",
    ]


def test_nobody_agrees_with_themselves(office: Office) -> None:
    ada = office.client("ada")

    approval = _approval(office, ada, ada, days=57)

    assert ada.get(f"{PREFIX}/approvals/{approval}").json()["state"] == "waiting"
    refused = _weaken(office, ada, days=57, Pin=_pin(ada), Approval=approval)
    assert _code(refused) == "approval-not-good"


def test_four_eyes_are_not_switched_off_by_one(office: Office) -> None:
    ada = office.client("ada")
    path, pin = f"{PREFIX}/vaults/{office.vault}", {"Holdfast-Pin": _pin(ada)}

    off = ada.patch(path, json={"four_eyes": False}, headers=pin)
    lab = ada.patch(path, json={"is_lab": True}, headers=pin)
    both = ada.patch(path, json={"is_lab": True, "four_eyes": False}, headers=pin)

    assert [_code(answer) for answer in (off, lab, both)] == ["approval-needed"] * 3


def test_a_kept_answer_opens_no_door_that_was_shut_meanwhile(office: Office) -> None:
    ada, key = office.client("ada"), {"Idempotency-Key": "once"}
    path = f"{PREFIX}/vaults/{office.vault}/credentials"
    first = ada.post(path, headers=key)
    client_of(office.plane, token=office.admin.token, app=office.app).patch(
        f"{PREFIX}/accounts/ada", json={"is_disabled": True}
    )

    again = ada.post(path, headers=key)

    assert (first.status_code, again.status_code) == (201, 401)
