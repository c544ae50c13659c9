"""Logging in, and what happens to those who guess."""

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.control import accounts, sessions, stepping_up, tokens
from holdfast.app.control.account_errors import (
    AccountDisabled,
    ExpiryWrong,
    LastAdministrator,
    LoginRefused,
    PasswordTooShort,
    PasswordWrong,
)
from holdfast.app.control.accounts import AccountChange
from holdfast.app.control.errors import AlreadyThere, NotAllowed, NotLoggedIn, NotThere
from holdfast.app.control.identifying import person_of
from holdfast.app.control.passwords import MOST_FAILURES
from holdfast.app.control.plane import Plane
from holdfast.catalog import accounts as account_rows
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Scope
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import Someone, add_person, make_plane

PASSWORD = "four random words here"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


def _add(plane: Plane, admin: Someone, name: str = "ada") -> None:
    accounts.add_account(plane, admin.actor, name=name, password=PASSWORD, lang="en")


def _log_in(plane: Plane, password: str = PASSWORD, name: str = "ada") -> str:
    return sessions.log_in(plane, name, password, address="192.0.2.7").token


def test_login_gives_a_token_for_half_a_day(plane: Plane, admin: Someone, clock: FakeClock) -> None:
    _add(plane, admin)

    token = _log_in(plane)

    assert person_of(plane, token, address="").name == "ada"
    clock.jump(timedelta(hours=12))
    with pytest.raises(NotLoggedIn):
        person_of(plane, token, address="")


def test_wrong_password_and_unknown_name_sound_the_same(plane: Plane, admin: Someone) -> None:
    _add(plane, admin)

    with pytest.raises(LoginRefused) as wrong:
        _log_in(plane, "no such password")
    with pytest.raises(LoginRefused) as unknown:
        _log_in(plane, name="nobody")

    assert str(wrong.value) == str(unknown.value)


def test_five_failures_lock_for_a_quarter_of_an_hour(
    plane: Plane, admin: Someone, clock: FakeClock
) -> None:
    _add(plane, admin)
    for _attempt in range(MOST_FAILURES):
        with pytest.raises(LoginRefused):
            _log_in(plane, "no such password")

    with pytest.raises(LoginRefused):
        _log_in(plane)

    clock.jump(timedelta(minutes=15, seconds=1))
    assert _log_in(plane)


def test_password_proof_for_a_pin_counts_as_a_login_does(plane: Plane, admin: Someone) -> None:
    _add(plane, admin)
    actor = person_of(plane, _log_in(plane), address="")
    for _attempt in range(MOST_FAILURES):
        with pytest.raises(PasswordWrong):
            stepping_up.make_pin(plane, actor, password="no such password")

    with pytest.raises(PasswordWrong):
        stepping_up.make_pin(plane, actor, password=PASSWORD)


def test_password_is_kept_as_argon2id(plane: Plane, admin: Someone) -> None:
    _add(plane, admin)

    with plane.database.read() as db:
        account = account_rows.by_name(db, "ada")

    assert account is not None
    assert account.password_hash.startswith("$argon2id$")


def test_logged_out_token_is_good_no_more(plane: Plane, admin: Someone) -> None:
    _add(plane, admin)
    token = _log_in(plane)

    sessions.log_out(plane, person_of(plane, token, address=""), token)

    with pytest.raises(NotLoggedIn):
        person_of(plane, token, address="")


def test_new_password_ends_the_other_sessions(plane: Plane, admin: Someone) -> None:
    _add(plane, admin)
    mine, other = _log_in(plane), _log_in(plane)
    actor = person_of(plane, mine, address="")

    sessions.change_password(plane, actor, old=PASSWORD, new="another long password", secret=mine)

    assert person_of(plane, mine, address="").name == "ada"
    with pytest.raises(NotLoggedIn):
        person_of(plane, other, address="")
    assert _log_in(plane, "another long password")


def test_short_password_is_refused(plane: Plane, admin: Someone) -> None:
    with pytest.raises(PasswordTooShort):
        accounts.add_account(plane, admin.actor, name="bob", password="short", lang="en")


def test_disabled_account_is_told_so_only_with_its_password(plane: Plane, admin: Someone) -> None:
    _add(plane, admin)
    token = _log_in(plane)

    accounts.change_account(plane, admin.actor, "ada", AccountChange(is_disabled=True))

    with pytest.raises(NotLoggedIn):
        person_of(plane, token, address="")
    with pytest.raises(LoginRefused):
        _log_in(plane, "no such password")
    with pytest.raises(AccountDisabled):
        _log_in(plane)


@pytest.mark.parametrize("change", [AccountChange(is_admin=False), AccountChange(is_disabled=True)])
def test_last_administrator_stays(plane: Plane, admin: Someone, change: AccountChange) -> None:
    with pytest.raises(LastAdministrator):
        accounts.change_account(plane, admin.actor, "admin", change)
    with pytest.raises(LastAdministrator):
        accounts.delete_account(plane, admin.actor, "admin")


def test_account_names_are_used_once(plane: Plane, admin: Someone) -> None:
    _add(plane, admin)

    with pytest.raises(AlreadyThere):
        _add(plane, admin)


def test_deleted_account_takes_its_tokens_along(plane: Plane, admin: Someone) -> None:
    _add(plane, admin)
    token = _log_in(plane)

    accounts.delete_account(plane, admin.actor, "ada")

    with pytest.raises(NotLoggedIn):
        person_of(plane, token, address="")


def test_others_manage_no_accounts(plane: Plane, admin: Someone) -> None:
    ada = add_person(plane, "ada")

    for act in (
        lambda: accounts.list_accounts(plane, ada.actor, Window()),
        lambda: accounts.show_account(plane, ada.actor, "admin"),
        lambda: accounts.delete_account(plane, ada.actor, "admin"),
        lambda: accounts.change_account(plane, ada.actor, "ada", AccountChange(is_admin=True)),
        lambda: _add(plane, ada, "eve"),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_first_administrator_is_made_once(plane: Plane) -> None:
    password = accounts.add_first_administrator(plane)

    again = accounts.add_first_administrator(plane)

    assert password is not None
    assert again is None
    assert _log_in(plane, password, "admin")


def test_api_token_is_limited_and_expires(plane: Plane, admin: Someone, clock: FakeClock) -> None:
    made = tokens.add_token(plane, admin.actor, name="watch", scopes=[Scope.READ], days=30)

    actor = person_of(plane, made.token, address="")

    assert actor.scopes == {Scope.READ}
    with pytest.raises(NotAllowed):
        accounts.delete_account(plane, actor, "admin")
    clock.jump(timedelta(days=30))
    with pytest.raises(NotLoggedIn):
        person_of(plane, made.token, address="")


def test_limited_token_makes_no_wider_one(plane: Plane) -> None:
    limited = add_person(plane, "ada", scopes=(Scope.OPERATE,))

    with pytest.raises(NotAllowed):
        tokens.add_token(plane, limited.actor, name="wider", scopes=[Scope.ALL], days=1)


def test_token_that_never_expires_is_refused(plane: Plane, admin: Someone) -> None:
    with pytest.raises(ExpiryWrong):
        tokens.add_token(plane, admin.actor, name="for-ever", scopes=[], days=10**6)


def test_revoked_token_is_listed_no_more_and_is_nobody_elses(plane: Plane, admin: Someone) -> None:
    made = tokens.add_token(plane, admin.actor, name="watch", scopes=[], days=30)
    ada = add_person(plane, "ada")

    with pytest.raises(NotThere):
        tokens.revoke_token(plane, ada.actor, made.id)
    tokens.revoke_token(plane, admin.actor, made.id)

    assert tokens.list_tokens(plane, admin.actor, Window()).items == []
    with pytest.raises(NotLoggedIn):
        person_of(plane, made.token, address="")
