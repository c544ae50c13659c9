"""A lock whose second look comes later: at the first check, before anything is changed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Content
from holdfast.testing.clock import FakeClock
from holdfast.testing.vaults import identity, small_vault
from holdfast.vault.errors import VaultLocked
from holdfast.vault.held_lock import HeldLock
from holdfast.vault.layout import LOCKS
from holdfast.vault.locks import Locks
from holdfast.vault.repository import Repository


class AtOnce(MemoryStorage):
    """Shows what was put at once; somebody may act right after a lock was written."""

    lists_at_once = True
    after_put: Callable[[], object] | None = None

    def put(self, name: str, content: Content) -> None:
        super().put(name, content)
        if name.startswith(LOCKS) and self.after_put:
            act, self.after_put = self.after_put, None
            act()


def locks_of(repository: Repository, clock: FakeClock, *, host: str = "here") -> Locks:
    return Locks(repository.files, identity=replace(identity(), hostname=host), clock=clock)


def test_work_begins_at_once_and_the_first_check_waits() -> None:
    repository, clock = small_vault(), FakeClock()

    lock = locks_of(repository, clock).acquire(settle_later=True)

    assert clock.monotonic() == 0
    lock.check()
    assert clock.monotonic() == pytest.approx(0.2)
    lock.check()
    assert clock.monotonic() == pytest.approx(0.2)


def test_who_came_between_the_looks_is_found_by_the_check() -> None:
    repository, clock = small_vault(), FakeClock()
    lock = locks_of(repository, clock).acquire(settle_later=True)
    # An exclusive lock whose holder looked before ours was written.
    other = locks_of(repository, clock, host="elsewhere")
    other._try(True, lock, settle_later=True)

    with pytest.raises(VaultLocked):
        lock.check()
    with pytest.raises(VaultLocked):
        lock.check()


def test_nobody_waits_where_a_listing_shows_at_once_what_was_written() -> None:
    repository, clock = small_vault(AtOnce()), FakeClock()

    locks_of(repository, clock).acquire(exclusive=True).check()

    assert clock.monotonic() == 0


def test_who_wrote_first_sees_who_wrote_before_the_second_look() -> None:
    storage, clock = AtOnce(), FakeClock()
    repository = small_vault(storage)
    elsewhere = replace(identity(), hostname="elsewhere")

    def other() -> None:
        HeldLock.take(repository.files, identity=elsewhere, clock=clock, mark=None, exclusive=True)

    storage.after_put = other

    with pytest.raises(VaultLocked, match="elsewhere"):
        locks_of(repository, clock).acquire(settle_later=True)
