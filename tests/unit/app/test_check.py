"""A check wants a lock, and says what to do where it can have none."""

import contextlib

import pytest

from holdfast.app.check import locked
from holdfast.storage.errors import StorageDenied
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import small_vault
from holdfast.vault.upkeep_errors import LockRefused


def test_where_nothing_may_be_written_the_way_without_a_lock_is_named() -> None:
    faulty = FaultyStorage(MemoryStorage())
    vault = small_vault(faulty)
    faulty.fail("put", StorageDenied(place="there", name="locks/x", reason="Read-only file system"))

    with pytest.raises(LockRefused) as refused, contextlib.ExitStack() as stack:
        locked(vault, stack)

    assert "Read-only file system" in str(refused.value)
    assert "--no-lock" in refused.value.remedy
