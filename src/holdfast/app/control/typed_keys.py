"""Passphrases of machines that people typed: in this process's memory, for their login alone.

A machine that is to use one is given a ticket, which is good once. Neither is ever written down.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.base.secret import Secret

# A question that was not taken by then was not answered either.
TICKET_OF_QUESTION = timedelta(minutes=2)
_ID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedKey:
    """`login` is the hash of the token it was typed under, `grant_id` the read grant made for it."""

    id: str
    login: str
    account_id: str
    machine_id: str
    reader_id: str
    since: datetime
    expires_at: datetime
    passphrase: Secret
    grant_id: str = ""


@dataclass(frozen=True, slots=True)
class _Ticket:
    key_id: str
    expires_at: datetime


class TypedKeys:
    """To be used from any thread. What has expired is not found; `unlocking.forget_ended` forgets it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, TypedKey] = {}
        self._tickets: dict[str, _Ticket] = {}

    def keep(  # noqa: PLR0913  the fields of a key
        self,
        *,
        login: str,
        account_id: str,
        machine_id: str,
        reader_id: str,
        passphrase: Secret,
        now: datetime,
        life: timedelta,
        grant_id: str = "",
    ) -> TypedKey:
        key = TypedKey(
            id=secrets.token_hex(_ID_BYTES),
            login=login,
            account_id=account_id,
            machine_id=machine_id,
            reader_id=reader_id,
            since=now,
            expires_at=now + life,
            passphrase=passphrase,
            grant_id=grant_id,
        )
        with self._lock:
            self._sweep(now)
            self._keys[key.id] = key
        return key

    def of_login(self, login: str, machine_id: str, *, now: datetime) -> list[TypedKey]:
        with self._lock:
            return [
                key
                for key in self._keys.values()
                if key.login == login and key.machine_id == machine_id and key.expires_at > now
            ]

    def find(self, key_id: str, *, login: str, now: datetime) -> TypedKey | None:
        """What somebody else typed is not there."""
        with self._lock:
            key = self._keys.get(key_id)
        is_there = key is not None and key.login == login and key.expires_at > now
        return key if is_there else None

    def ticket(self, key: TypedKey, until: datetime | None = None) -> str:
        """Good once, for the machine that is to use the key."""
        ticket = secrets.token_hex(_ID_BYTES)
        with self._lock:
            self._tickets[ticket] = _Ticket(key.id, min(until or key.expires_at, key.expires_at))
        return ticket

    def redeem(self, ticket: str, *, reader_id: str, now: datetime) -> TypedKey | None:
        with self._lock:
            self._sweep(now)
            found = self._tickets.get(ticket)
            key = self._keys.get(found.key_id) if found is not None else None
            if key is None or key.reader_id != reader_id:
                return None
            del self._tickets[ticket]
        return key

    def all(self) -> list[TypedKey]:
        """Those that have expired and are not forgotten yet as well."""
        with self._lock:
            return list(self._keys.values())

    def forget(self, key: TypedKey) -> None:
        with self._lock:
            self._keys.pop(key.id, None)

    def forget_login(self, login: str) -> list[TypedKey]:
        """Those that were kept under it."""
        return self._forget_those(lambda key: key.login == login)

    def forget_account(self, account_id: str, *, but: str) -> list[TypedKey]:
        """Those of all its logins but one."""
        return self._forget_those(lambda key: key.account_id == account_id and key.login != but)

    def _forget_those(self, is_meant: Callable[[TypedKey], bool]) -> list[TypedKey]:
        with self._lock:
            gone = [key for key in self._keys.values() if is_meant(key)]
            for key in gone:
                del self._keys[key.id]
        return gone

    def _sweep(self, now: datetime) -> None:
        self._tickets = {
            name: ticket
            for name, ticket in self._tickets.items()
            if ticket.expires_at > now and ticket.key_id in self._keys
        }
