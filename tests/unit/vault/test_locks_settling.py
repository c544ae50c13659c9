"""A lock whose second look comes later: at the first check, before anything is changed."""

from dataclasses import replace

import pytest

from holdfast.testing.clock import FakeClock
from holdfast.testing.vaults import identity, small_vault
from holdfast.vault.errors import VaultLocked
from holdfast.vault.locks import Locks
from holdfast.vault.repository import Repository


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
