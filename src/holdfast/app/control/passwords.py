"""Passwords: how they are kept, and what happens after too many wrong ones."""

import functools
import threading
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from holdfast.app.control import audit
from holdfast.app.control.account_errors import PasswordTooLong, PasswordTooShort, PasswordWrong
from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.plane import Actor, Plane
from holdfast.catalog.database import Session
from holdfast.catalog.tables import Account

SHORTEST = 12
LONGEST = 1024
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
# Each check takes 64 MiB: a flood of logins must not take all memory.
_at_once = threading.BoundedSemaphore(4)
_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The form in which a new password is kept; raises if the rules forbid it."""
    if len(password) < SHORTEST:
        raise PasswordTooShort(seen=len(password), wanted=SHORTEST)
    if len(password) > LONGEST:
        raise PasswordTooLong(seen=len(password), most=LONGEST)
    return _hash(password)


def fits(kept: str | None, password: str) -> bool:
    """Whether it is the password; for an account that is not there it takes as long to say no."""
    wanted = _nobody() if kept is None else kept
    try:
        with _at_once:
            _hasher.verify(wanted, password[:LONGEST])
    except (Argon2Error, InvalidHashError):
        return False
    return kept is not None


def require_password(plane: Plane, actor: Actor, password: str) -> None:
    """Let a person prove again that it is they; failures count as those of a login do."""
    with plane.database.read() as db:
        account = db.get(Account, actor.id)
    is_right = fits(account.password_hash if account else None, password)
    with plane.database.write() as db:
        account = db.get(Account, actor.id, with_for_update=True)
        is_good = account is not None and record_attempt(plane, db, account, is_right=is_right)
        if not is_good:
            audit.note(db, plane, actor, act="password-check", outcome=audit.DENIED)
    if not is_good:
        raise PasswordWrong(minutes=int(LOCKED_FOR.total_seconds() // 60))


def record_attempt(plane: Plane, db: Session, account: Account, *, is_right: bool) -> bool:
    """Count failures and lock; whether the attempt succeeds: a locked account opens to nothing.

    Seen inside the transaction, so that guesses sent at once are counted one after the other.
    """
    now = plane.clock.now()
    if account.locked_until is not None and account.locked_until > now:
        return False
    if is_right:
        account.failed_logins, account.locked_until = 0, None
        return True
    account.failed_logins += 1
    if account.failed_logins >= MOST_FAILURES:
        account.failed_logins, account.locked_until = 0, now + LOCKED_FOR
        audit.note(db, plane, audit.SERVER, act="account-locked", object=account.name)
        raise_alert(db, plane, "account-locked", fields={"object": account.name})
    return False


def _hash(password: str) -> str:
    with _at_once:
        return _hasher.hash(password)


@functools.cache
def _nobody() -> str:
    return _hash("the password of an account that is not there")
