"""What is durable gets named in the index now and then, and not after the lock is lost."""

import pytest

from holdfast.base.ids import BlobId, PackId
from holdfast.testing.clock import FakeClock
from holdfast.testing.vaults import small_vault
from holdfast.vault.errors import LockLost
from holdfast.vault.index_file import encode_entries
from holdfast.vault.index_keeper import IndexKeeper
from holdfast.vault.layout import INDEX
from holdfast.vault.pack_header import Kind, Span
from holdfast.vault.repository import Repository
from holdfast.vault.uploads import Entries, StoredPack


def pack(number: int) -> StoredPack:
    span = Span(BlobId(bytes([number]) * 32), Kind.DATA, 0, 100, 0)
    return PackId(bytes([number]) * 32), Entries(encode_entries([span]), 1)


def named(vault: Repository) -> int:
    return len(list(vault.files.names(INDEX)))


def ours() -> None:
    """The lock is held."""


def test_packs_are_named_after_a_while_and_not_before() -> None:
    clock = FakeClock()
    vault = small_vault(clock=clock)
    keeper = IndexKeeper(vault, ours, every=10)

    keeper.add(pack(1))
    before = named(vault)
    clock.sleep(11)
    keeper.add(pack(2))

    assert (before, named(vault)) == (0, 1)
    assert [vault.has_blob(Kind.DATA, BlobId(bytes([n]) * 32)) for n in (1, 2)] == [True, True]


def test_nothing_to_name_writes_nothing() -> None:
    vault = small_vault()

    IndexKeeper(vault, ours).save()

    assert named(vault) == 0


def test_who_lost_the_lock_names_nothing() -> None:
    def lost() -> None:
        raise LockLost(place="here", since="noon")

    vault = small_vault()
    keeper = IndexKeeper(vault, lost)
    keeper.add(pack(1))

    with pytest.raises(LockLost):
        keeper.save()

    assert named(vault) == 0
