"""Blocks are loaded once, shared by threads, and thrown away when there are too many."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId
from holdfast.machines.block_cache import BlockCache, Plain
from holdfast.testing.waiting import wait_until
from holdfast.vault.errors import BlobMissing

IDS = [BlobId(bytes([number]) * 32) for number in range(10)]


class Vault:
    """Gives each blob as a hundred bytes of its number, and counts."""

    def __init__(self) -> None:
        self.asked: list[BlobId] = []
        self.damaged: set[BlobId] = set()
        self.is_away: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def fetch(self, blobs: Sequence[BlobId]) -> Iterator[tuple[BlobId, Plain | HoldfastError]]:
        self.asked += blobs
        assert self.may_go_on.wait(90)
        for blob in blobs:
            if self.is_away is not None:
                raise self.is_away
            if blob in self.damaged:
                yield blob, BlobMissing(kind="data", blob=blob.hex())
            else:
                yield blob, blob[:1] * 100


def alone() -> Iterator[BlobId]:
    return iter(())


def test_a_block_is_loaded_once() -> None:
    vault = Vault()
    cache = BlockCache(vault.fetch, 1000)

    both = [cache.get(IDS[3], alone) for _ in range(2)]

    assert both == [b"\x03" * 100] * 2
    assert vault.asked == [IDS[3]]


def test_what_comes_with_a_block_need_not_be_loaded() -> None:
    vault = Vault()
    cache = BlockCache(vault.fetch, 1000)

    cache.get(IDS[0], lambda: IDS[1:4])
    cache.get(IDS[2], alone)

    assert vault.asked == IDS[:4]


def test_the_least_recently_used_goes_first() -> None:
    vault = Vault()
    cache = BlockCache(vault.fetch, 250)
    cache.get(IDS[0], alone)
    cache.get(IDS[1], alone)
    cache.get(IDS[0], alone)

    cache.get(IDS[2], alone)

    assert len(cache) == 200
    cache.get(IDS[0], alone)
    assert vault.asked == IDS[:3]
    cache.get(IDS[1], alone)
    assert vault.asked == [*IDS[:3], IDS[1]]


def test_a_limit_below_one_block_still_gives_blocks() -> None:
    cache = BlockCache(Vault().fetch, 1)

    assert [cache.get(blob, alone)[:1] for blob in IDS] == [blob[:1] for blob in IDS]


def test_who_asks_meanwhile_waits_for_the_same_load() -> None:
    vault = Vault()
    vault.may_go_on.clear()
    cache = BlockCache(vault.fetch, 1000)

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(cache.get, IDS[5], alone) for _ in range(8)]
        wait_until(lambda: vault.asked)
        vault.may_go_on.set()
        found = [answer.result() for answer in answers]

    assert found == [b"\x05" * 100] * 8
    assert vault.asked == [IDS[5]]


def test_damage_of_one_block_leaves_the_others() -> None:
    vault = Vault()
    vault.damaged = {IDS[1]}
    cache = BlockCache(vault.fetch, 1000)

    assert cache.get(IDS[0], lambda: IDS[1:3]) == bytes(100)
    with pytest.raises(BlobMissing):
        cache.get(IDS[1], alone)
    assert cache.get(IDS[2], alone) == b"\x02" * 100


def test_a_vault_that_comes_back_is_asked_again() -> None:
    vault = Vault()
    vault.is_away = OSError("gone")
    cache = BlockCache(vault.fetch, 1000)

    with pytest.raises(OSError, match="gone"):
        cache.get(IDS[0], lambda: IDS[1:3])
    vault.is_away = None

    assert cache.get(IDS[1], alone) == b"\x01" * 100
    assert cache.get(IDS[0], alone) == bytes(100)
