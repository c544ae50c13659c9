"""NBD messages survive the way there and back, and no bytes of a peer do more than an error."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.errors import HoldfastError
from holdfast.disks import nbd_haggling as haggling
from holdfast.disks import nbd_wire as wire
from holdfast.disks.nbd_flight import Flight
from holdfast.disks.nbd_greeting import ALLOCATION_NUMBER, Wish, agree
from holdfast.disks.nbd_haggling import Answer, Blocks, Option, OptionReply
from holdfast.disks.nbd_opening import open_export
from holdfast.disks.nbd_session import Session
from holdfast.disks.nbd_stream import NbdStream
from holdfast.disks.nbd_wire import BASE_ALLOCATION, Chunk, Command, Request, WireError
from holdfast.disks.source import Layout
from holdfast.disks.spans import Span
from holdfast.testing.memory_disk import MemoryDisk

u16, u32, u64 = (st.integers(0, (1 << bits) - 1) for bits in (16, 32, 64))
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
extents = st.lists(st.tuples(st.integers(1, (1 << 32) - 1), u32), min_size=1, max_size=50)

GREETING = b"".join(
    [
        haggling.encode_greeting(),
        haggling.encode_option_reply(Option.STRUCTURED_REPLY, Answer.ACK),
        haggling.encode_option_reply(
            Option.SET_META_CONTEXT,
            Answer.META_CONTEXT,
            haggling.encode_context(ALLOCATION_NUMBER, BASE_ALLOCATION),
        ),
        haggling.encode_option_reply(Option.SET_META_CONTEXT, Answer.ACK),
        haggling.encode_option_reply(
            Option.GO, Answer.INFO, haggling.encode_export_info(1 << 20, 1)
        ),
        haggling.encode_option_reply(
            Option.GO, Answer.INFO, haggling.encode_blocks_info(Blocks(512, 4096, 1 << 20))
        ),
        haggling.encode_option_reply(Option.GO, Answer.ACK),
    ]
)
# Answers to a read of 100 bytes at 1000 and to a block status of the same bytes.
READ = b"".join(
    [
        wire.encode_chunk(1, Chunk.DATA, 8 + 60, is_last=False),
        wire.encode_offset(1000) + bytes(range(60)),
        wire.encode_chunk(1, Chunk.HOLE, 12, is_last=True) + wire.encode_hole(1060, 40),
    ]
)
STATUS = wire.encode_chunk(1, Chunk.STATUS, 20, is_last=True) + wire.encode_status(
    1, [(60, 0), (40, 3)]
)
CLIENT = b"".join(
    [
        haggling.encode_client_flags(haggling.FIXED_NEWSTYLE | haggling.NO_ZEROES),
        haggling.encode_option(Option.LIST),
        haggling.encode_option(Option.STRUCTURED_REPLY),
        haggling.encode_option(
            Option.SET_META_CONTEXT, haggling.encode_contexts("disk", [BASE_ALLOCATION])
        ),
        haggling.encode_option(Option.GO, haggling.encode_go("disk")),
    ]
)
REQUESTS = b"".join(
    [
        wire.encode_request(Request(Command.READ, 1, 1000, 100)),
        wire.encode_request(Request(Command.BLOCK_STATUS, 2, 0, 4096)),
        wire.encode_request(Request(Command.WRITE, 3, 0, 4)) + b"four",
        wire.encode_request(Request(Command.DISCONNECT, 4, 0, 0)),
    ]
)


@st.composite
def damaged(draw: st.DrawFn, original: bytes) -> bytes:
    """Good bytes, some of them replaced, left out or put in between."""
    content = bytearray(original)
    for _number in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 12)))
        content[start:end] = draw(st.binary(max_size=12))
    return bytes(content[: draw(st.integers(0, len(content)))])


def _never_failed(error: Exception) -> None:
    raise AssertionError("this disk can always be read") from error


@contextmanager
def _peer_that_says(content: bytes) -> Iterator[NbdStream]:
    """A stream on which all that the peer ever says has arrived; it hears everything."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(content)
        theirs.shutdown(socket.SHUT_WR)
        yield NbdStream(ours, place="test", patience=60)


@given(u16, u16, u64, u64, u32)
def test_requests_arrive_as_sent(
    flags: int, command: int, cookie: int, offset: int, length: int
) -> None:
    request = Request(command, cookie, offset, length, flags)

    assert wire.decode_request(wire.encode_request(request)) == request


@given(u64, u32)
def test_simple_replies_arrive_as_sent(cookie: int, error: int) -> None:
    reply = wire.decode_reply(wire.encode_simple(cookie, error))

    assert (reply.cookie, reply.error, reply.is_structured) == (cookie, error, False)


@given(u64, st.sampled_from(Chunk), u32, st.booleans())
def test_chunks_arrive_as_sent(cookie: int, kind: Chunk, length: int, is_last: bool) -> None:
    head = wire.encode_chunk(cookie, kind, length, is_last=is_last)

    reply = wire.decode_reply(head[: wire.REPLY_SIZE])
    assert (reply.cookie, reply.kind, bool(reply.flags & wire.DONE)) == (cookie, kind, is_last)
    assert reply.is_structured
    assert wire.decode_length(head[wire.REPLY_SIZE :]) == length


@given(u32, extents)
def test_extents_arrive_as_sent(context: int, told: list[tuple[int, int]]) -> None:
    seen = wire.decode_status(wire.encode_status(context, told))

    assert (seen[0], list(seen[1])) == (context, told)


@given(st.integers(1, (1 << 32) - 1), names)
def test_errors_arrive_as_sent(error: int, words: str) -> None:
    assert wire.decode_error(wire.encode_error(error, words)) == (error, words)
    assert wire.decode_error(wire.encode_error(error, words, at=7)) == (error, words)


@given(names, st.lists(names, max_size=5))
def test_options_arrive_as_sent(export: str, queries: list[str]) -> None:
    assert haggling.decode_go(haggling.encode_go(export)) == export
    asked = haggling.encode_contexts(export, queries)
    assert haggling.decode_contexts(asked) == (export, queries)
    reply = haggling.encode_option_reply(Option.GO, Answer.INFO, asked)[:20]
    assert haggling.decode_option_reply(reply) == OptionReply(Option.GO, Answer.INFO, len(asked))


@pytest.mark.parametrize(
    "decode",
    [
        wire.decode_request,
        wire.decode_reply,
        wire.decode_length,
        wire.decode_offset,
        wire.decode_hole,
        wire.decode_error,
        wire.decode_status,
        haggling.decode_greeting,
        haggling.decode_option_reply,
        haggling.decode_go,
        haggling.decode_contexts,
        haggling.decode_context,
        haggling.decode_info,
    ],
)
@given(content=st.binary(max_size=64))
def test_whatever_is_decoded_is_understood_or_a_wire_error(
    decode: Callable[[bytes], object], content: bytes
) -> None:
    try:
        decode(content)
    except WireError:
        return


def test_good_greeting_is_understood() -> None:
    with _peer_that_says(GREETING) as stream:
        opened = open_export(stream, "disk", [BASE_ALLOCATION])

    assert (opened.size, opened.contexts) == (1 << 20, {BASE_ALLOCATION: ALLOCATION_NUMBER})
    assert opened.blocks == Blocks(512, 4096, 1 << 20)


@given(damaged(GREETING))
def test_damaged_greeting_is_an_error_with_a_code(said: bytes) -> None:
    with _peer_that_says(said) as stream:
        try:
            open_export(stream, "disk", [BASE_ALLOCATION])
        except HoldfastError as err:
            assert err.code.startswith("disk-")  # noqa: PT017  no error is fine too


@given(damaged(READ + STATUS))
def test_damaged_replies_are_errors_with_a_code(said: bytes) -> None:
    with _peer_that_says(said) as stream:
        flight = Flight(stream)
        read = flight.read(1000, memoryview(bytearray(100)))
        status = flight.ask(Command.BLOCK_STATUS, 1000, 100)
        for pending in (read, status):
            try:
                flight.land(pending)
            except HoldfastError as err:
                assert err.code.startswith("disk-")  # noqa: PT017  no error is fine too


def test_good_replies_are_understood() -> None:
    with _peer_that_says(READ) as stream:
        content = memoryview(bytearray(b"x" * 100))
        flight = Flight(stream)
        flight.land(flight.read(1000, content))

    assert bytes(content) == bytes(range(60)) + bytes(40)


@given(damaged(CLIENT + REQUESTS))
def test_damaged_client_ends_its_session_and_nothing_else(said: bytes) -> None:
    disk = MemoryDisk(4096, [Span(0, 2000)])

    with ThreadPoolExecutor(1) as crew, _peer_that_says(said) as stream:
        try:
            wish = agree(stream, {"disk": disk})
            if wish is not None:
                Session(stream, wish, disk, layout=Layout(disk)).run(crew, _never_failed)
        except HoldfastError as err:
            assert err.code.startswith("disk-")  # noqa: PT017  no error is fine too


def test_good_client_is_understood() -> None:
    with _peer_that_says(CLIENT) as stream:
        wish = agree(stream, {"disk": MemoryDisk(4096, [])})

    assert wish == Wish(export="disk", is_structured=True, wants_allocation=True)
