"""Accounts and roles that could defeat the second person are not made unseen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.app.control import accounts
from holdfast.app.control.accounts import AccountChange
from holdfast.app.control.alert_rules import list_alerts
from holdfast.app.control.grants import set_role
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.testing.planes import add_admin, add_vault, make_plane

NEW = "five other random words"


class Place:
    """A vault with four eyes, and its administrator."""

    def __init__(self, folder: Path) -> None:
        self.plane = make_plane(folder)
        self.admin = add_admin(self.plane).actor
        self.vault = add_vault(self.plane, four_eyes=True)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def told(place: Place) -> list[str]:
    page = list_alerts(place.plane, place.admin, Window(), is_open=None)
    return [one.kind for one in page.items]


def change(place: Place, wanted: AccountChange) -> None:
    accounts.change_account(place.plane, place.admin, "eve", wanted)


def add(place: Place, name: str, *, is_admin: bool = False) -> None:
    accounts.add_account(
        place.plane, place.admin, name=name, password=NEW, is_admin=is_admin, lang="en"
    )


def promote(place: Place) -> None:
    set_role(place.plane, place.admin, place.vault, account="eve", role=Role.CONTRIBUTOR)


@pytest.mark.parametrize(
    ("act", "kinds"),
    [
        (lambda place: add(place, "puppet", is_admin=True), ["administrator-made"]),
        (lambda place: add(place, "ann"), []),
        (lambda place: change(place, AccountChange(is_admin=True)), ["administrator-made"]),
        (lambda place: change(place, AccountChange(is_admin=False)), []),
        (lambda place: change(place, AccountChange(password=NEW)), ["password-set"]),
        (lambda place: change(place, AccountChange(lang="ko")), []),
        (promote, ["approver-made"]),
    ],
)
def test_second_person_is_not_made_unseen(
    place: Place, act: Callable[[Place], None], kinds: list[str]
) -> None:
    add(place, "eve")

    for _time in range(2 if kinds == ["approver-made"] else 1):
        act(place)

    assert told(place) == kinds


def test_administrator_that_is_let_in_again_is_told_of(place: Place) -> None:
    add(place, "eve", is_admin=True)
    change(place, AccountChange(is_disabled=True))
    change(place, AccountChange(is_disabled=False))

    assert told(place) == ["administrator-made"] * 2
