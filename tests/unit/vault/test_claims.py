"""Who takes a blob: one of all workers, however many blobs there are."""

import hashlib
import os
import random
import resource
from collections.abc import Callable

import pytest

from holdfast.vault import claims as claims_module
from holdfast.vault.claims import Claims


def ids(count: int, start: int = 0) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(start, start + count)]


def test_only_the_first_gets_a_blob() -> None:
    claims = Claims()

    taken = [[claims.take(blob) for blob in ids(1000)] for _ in range(2)]

    assert taken == [[True] * 1000, [False] * 1000]


def test_ids_that_fall_in_one_place_are_told_apart() -> None:
    claims = Claims()
    alike = [bytes(8) + bytes([number]) * 24 for number in range(1, 200)]

    assert all(claims.take(blob) for blob in alike)
    assert not any(claims.take(blob) for blob in alike)


def test_the_table_grows_over_its_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "_FIRST_BITS", 3)
    monkeypatch.setattr(claims_module, "_LEVELS", 4)
    claims = Claims()
    blobs = ids(300)

    first = [claims.take(blob) for blob in blobs]
    second = [claims.take(blob) for blob in blobs]

    assert (all(first), any(second)) == (True, False)


def test_more_than_all_levels_hold_is_stored_and_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "_FIRST_BITS", 3)
    monkeypatch.setattr(claims_module, "_LEVELS", 1)
    claims = Claims()

    taken = [claims.take(blob) for blob in ids(50)]

    assert all(taken)


def test_forked_workers_share_the_table() -> None:
    claims = Claims()
    blobs = ids(20_000)

    counts = [_count_in_child(claims, order) for order in (blobs, blobs[::-1])]

    # One after the other, so none may be taken twice.
    assert counts == [20_000, 0]


def test_workers_at_once_leave_nothing_out() -> None:
    """A lost race stores a blob twice; a blob nobody stores would be a hole in a point."""
    claims = Claims()
    blobs = ids(20_000)
    # Two who ask in the same order can go in step, and lose a race at every single blob.
    orders = [random.Random(seed).sample(blobs, len(blobs)) for seed in range(3)]
    children = [_start(claims, order) for order in orders]

    taken = [_finish(child) for child in children]

    assert set().union(*taken) == set(range(20_000))
    assert sum(map(len, taken)) < 20_200
    assert not any(claims.take(blob) for blob in blobs[:100])


def test_a_system_that_promises_no_memory_gets_a_smaller_table() -> None:
    """With vm.overcommit_memory=2 or a limit, room for 200 million blobs cannot be reserved."""

    def count() -> int:
        limit = _mapped() + (300 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        claims = Claims()
        return sum(claims.take(blob) for blob in ids(1000) + ids(1000))

    assert _in_child(count) == 1000


def _mapped() -> int:
    with open("/proc/self/statm") as source:
        return int(source.read().split()[0]) * resource.getpagesize()


def _start(claims: Claims, blobs: list[bytes]) -> tuple[int, int]:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            number = {blob: at for at, blob in enumerate(ids(len(blobs)))}
            mine = [number[blob] for blob in blobs if claims.take(blob)]
            with open(theirs, "w") as target:
                target.write(" ".join(map(str, mine)))
        finally:
            os._exit(0)
    os.close(theirs)
    return child, ours


def _finish(child: tuple[int, int]) -> set[int]:
    with open(child[1]) as source:
        taken = set(map(int, source.read().split()))
    os.waitpid(child[0], 0)
    return taken


def _count_in_child(claims: Claims, blobs: list[bytes]) -> int:
    return len(_finish(_start(claims, blobs)))


def _in_child(count: Callable[[], int]) -> int:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(theirs, b"%d" % count())
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours) as source:
        said = source.read()
    os.waitpid(child, 0)
    return int(said or -1)
