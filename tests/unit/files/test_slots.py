"""Pack buffers that go to and fro between a worker and its parent."""

import os
import select

import pytest

from holdfast.files.backup.slots import SLOT_BYTES, Slots
from holdfast.vault.pack_builder import PACK_TARGET
from holdfast.vault.pack_header import COMPRESSED, MAX_BLOBS


def test_every_slot_is_had_once() -> None:
    slots = Slots(3)

    assert {slots.acquire() for _ in range(3)} == {0, 1, 2}


def test_a_slot_given_back_is_had_again() -> None:
    slots = Slots(2)
    first, second = slots.acquire(), slots.acquire()

    slots.release(first)

    assert slots.acquire() == first != second


def test_a_worker_whose_parent_is_gone_does_not_wait() -> None:
    slots = Slots(1)
    slots.acquire()
    slots.stay_in_worker()

    with pytest.raises(EOFError):
        slots.acquire()


def test_giving_back_to_a_worker_that_is_gone_is_no_error() -> None:
    slots = Slots(1)
    number = slots.acquire()
    slots.stay_in_parent()

    slots.release(number)

    slots.close()


def test_what_a_worker_writes_the_parent_reads() -> None:
    slots = Slots(1)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        slots.slots[0].view[:5] = b"hello"
        os.write(theirs, b".")
        os._exit(0)

    assert select.select([ours], [], [], 10)[0]
    os.waitpid(child, 0)
    os.close(ours)
    os.close(theirs)

    assert bytes(slots.slots[0].view[:5]) == b"hello"


def test_a_slot_has_room_for_the_largest_pack() -> None:
    largest_blob = 8 << 20

    assert PACK_TARGET + largest_blob + MAX_BLOBS * COMPRESSED.size + 1024 <= SLOT_BYTES
