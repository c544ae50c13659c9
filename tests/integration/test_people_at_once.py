"""Several requests at once, on both kinds of database: each rule still holds once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from holdfast.app.control import accounts, approvals, sessions, stepping_up, vaults
from holdfast.app.control.account_errors import LastAdministrator, LoginRefused
from holdfast.app.control.accounts import AccountChange
from holdfast.app.control.errors import AlreadyThere
from holdfast.app.control.passwords import MOST_FAILURES
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.vault_settings import Wanted
from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.server.application import PREFIX
from holdfast.testing.planes import add_admin, add_person, add_vault, client_of, make_plane

PASSWORD = "four random words here"
_AT_ONCE = 8

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def plane(tmp_path: Path, database_url: str) -> Iterator[Plane]:
    made = make_plane(tmp_path, clock=SystemClock(), database_url=database_url)
    yield made
    made.database.close()


def _outcomes(act: Callable[[int], object]) -> list[object]:
    """What each of several calls at once returned or raised."""

    def one(number: int) -> object:
        try:
            return act(number)
        except HoldfastError as err:
            return err

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(one, range(_AT_ONCE)))


def _good(outcomes: list[object]) -> list[object]:
    return [one for one in outcomes if not isinstance(one, HoldfastError)]


def test_guesses_at_once_are_counted_one_after_the_other(plane: Plane) -> None:
    admin = add_admin(plane).actor
    accounts.add_account(plane, admin, name="ada", password=PASSWORD, lang="en")

    _outcomes(lambda _n: sessions.log_in(plane, "ada", "no such password", address=""))

    assert _AT_ONCE > MOST_FAILURES
    with pytest.raises(LoginRefused):
        sessions.log_in(plane, "ada", PASSWORD, address="")


def test_one_administrator_is_left_when_all_resign(plane: Plane) -> None:
    people = [add_admin(plane, f"admin{number}").actor for number in range(_AT_ONCE)]

    outcomes = _outcomes(
        lambda n: accounts.change_account(
            plane, people[n], people[n].name, AccountChange(is_admin=False)
        )
    )

    refused = [one for one in outcomes if isinstance(one, LastAdministrator)]
    assert len(refused) == 1


def test_approval_is_used_once(plane: Plane) -> None:
    admin, vault = add_admin(plane).actor, add_vault(plane, four_eyes=True)
    accounts.add_account(plane, admin, name="ada", password=PASSWORD, lang="en", is_admin=True)
    ada = Actor(
        kind="person",
        id=accounts.show_account(plane, admin, "ada").id,
        name="ada",
        is_admin=True,
        pin=None,
    )
    off: dict[str, Any] = {"four_eyes": False}
    asked = approvals.ask_approval(plane, ada, vault, act="vault-weaken", request=off)
    approvals.decide_approval(plane, admin, asked.id, approve=True)
    pin = stepping_up.make_pin(plane, ada, password=PASSWORD).pin
    sure = replace(ada, pin=pin, approval=asked.id)

    def weaken_and_back(_number: int) -> object:
        done = vaults.change_vault(plane, sure, vault, Wanted(four_eyes=False))
        vaults.change_vault(plane, sure, vault, Wanted(four_eyes=True))
        return done

    _outcomes(weaken_and_back)

    assert approvals.show_approval(plane, ada, asked.id).state == "used"
    with pytest.raises(HoldfastError, match="used already"):
        vaults.change_vault(plane, sure, vault, Wanted(four_eyes=False))


def test_name_is_given_once(plane: Plane) -> None:
    admin = add_admin(plane).actor

    outcomes = _outcomes(
        lambda n: vaults.create_vault(
            plane, admin, name="main", location=f"memory:{n}-{id(plane)}", is_lab=True
        )
    )

    assert len(_good(outcomes)) == 1
    assert sum(isinstance(one, AlreadyThere) for one in outcomes) == _AT_ONCE - 1
    assert len(vaults.list_vaults(plane, admin, Window()).items) == 1


def test_request_that_comes_twice_at_once_is_done_once(plane: Plane) -> None:
    client = client_of(plane, token=add_admin(plane).token)

    def post(_number: int) -> Response:
        answer: Response = client.post(
            f"{PREFIX}/me/tokens", json={"name": "watch"}, headers={"Idempotency-Key": "k"}
        )
        return answer

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(post, range(_AT_ONCE)))

    made = {one.json()["id"] for one in answers if one.status_code == 201}
    assert len(made) == 1
    assert {one.status_code for one in answers} <= {201, 409}
    assert len(client.get(f"{PREFIX}/me/tokens").json()["items"]) == 1


def test_what_cannot_be_stored_is_a_malformed_request(plane: Plane) -> None:
    client = client_of(plane, token=add_admin(plane).token)

    answers = [
        client.get(f"{PREFIX}/vaults/a%00b"),
        client.get(f"{PREFIX}/audit", params={"actor": "a\0b"}),
        client.get(f"{PREFIX}/audit", params={"since": "0001-01-01T00:00:00+23:59"}),
    ]

    assert {one.status_code for one in answers} <= {200, 404, 422}


def test_pages_of_approvals_follow_each_other(plane: Plane) -> None:
    vault = add_vault(plane)
    ada = add_person(plane, "ada", role=Role.READER, vault_id=vault).actor
    made = [
        approvals.ask_approval(plane, ada, vault, act="a", request={"n": n}).id for n in range(5)
    ]

    seen: list[str] = []
    window = Window(limit=2)
    while True:
        page = approvals.list_approvals(plane, ada, window)
        seen += [one.id for one in page.items]
        if page.next is None:
            break
        window = Window(limit=2, after=page.next)

    assert seen == made[::-1]
