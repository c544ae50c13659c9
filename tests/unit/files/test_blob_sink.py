"""What a worker hands over at its end: a pack of its own, or blobs for one it shares."""

import os

from holdfast.base.units import MIB
from holdfast.files.backup.content import BlobSink
from holdfast.files.backup.messages import PackReady
from holdfast.files.backup.slots import Slots
from holdfast.vault.claims import Claims
from holdfast.vault.envelope import MasterKey


def handed_over(size: int) -> PackReady:
    ready: list[PackReady] = []
    sink = BlobSink(
        master=MasterKey.generate(),
        has=lambda _kind, _blob: False,
        claims=Claims(),
        slots=Slots(1),
        send=ready.append,
    )
    sink.put(memoryview(os.urandom(size)))
    sink.flush()
    (pack,) = ready
    return pack


def test_a_last_pack_of_some_size_is_finished_and_says_what_the_index_needs() -> None:
    pack = handed_over(5 * MIB)

    assert (pack.spans, pack.blobs) == ([], 1)
    assert pack.entries.startswith(b'{"id":"')
    assert pack.size > 5 * MIB


def test_the_blobs_of_a_small_one_are_left_for_the_parent_to_put_together() -> None:
    pack = handed_over(1000)

    assert (len(pack.spans), pack.entries) == (1, b"")
