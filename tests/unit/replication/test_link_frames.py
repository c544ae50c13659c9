"""Frames of the link: what is packed is read again, and nothing else is."""

import struct
from datetime import UTC, datetime

import pytest

from holdfast.replication import link_frames as frames
from holdfast.replication.link_frames import (
    Answer,
    Ask,
    Beat,
    Data,
    Garbled,
    Greeting,
    Head,
    Hello,
    Kind,
    Refusal,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HEADS: list[Head] = [
    Greeting(version=1, oldest=1, product="1.0", now=NOON),
    Hello(version=1, product="1.0", now=NOON),
    Beat(),
    Ask(7, "state"),
    Answer(7),
    Refusal(
        number=7,
        code="site-busy",
        sentence="It is busy",
        remedy="Wait.",
        retry="later",
        fields={"count": 3, "share": 0.5, "what": "requests", "names": ["a"], "all": True},
    ),
    Data(7, 1 << 40),
]


@pytest.mark.parametrize("head", HEADS, ids=lambda head: type(head).__name__)
def test_what_is_packed_is_read_again(head: Head) -> None:
    framed = frames.encode(head, 12)

    begin = frames.parse_begin(framed[: frames.BEGIN_BYTES])
    found = frames.parse_head(begin.kind, framed[frames.BEGIN_BYTES :])

    assert found == head
    assert begin.head_length == len(framed) - frames.BEGIN_BYTES
    assert begin.payload_length == 12


def test_every_kind_has_a_head_and_the_other_way_round() -> None:
    kinds = {frames.parse_begin(frames.encode(head)[: frames.BEGIN_BYTES]).kind for head in HEADS}

    assert kinds == set(Kind)


@pytest.mark.parametrize(
    "packed",
    [
        struct.pack("!2sBxII", b"XX", 3, 0, 0),
        struct.pack("!2sBxII", b"HF", 0, 0, 0),
        struct.pack("!2sBxII", b"HF", 99, 0, 0),
        struct.pack("!2sBxII", b"HF", Kind.ASK, frames.LONGEST_HEAD + 1, 0),
        struct.pack("!2sBxII", b"HF", Kind.ASK, 1, frames.LONGEST_PAYLOAD + 1),
        struct.pack("!2sBxII", b"HF", Kind.DATA, 1, frames.LONGEST_PIECE + 1),
    ],
    ids=["magic", "no kind", "unknown kind", "long head", "long payload", "long piece"],
)
def test_a_beginning_that_cannot_be_is_refused_before_there_is_room_for_it(packed: bytes) -> None:
    with pytest.raises(Garbled):
        frames.parse_begin(packed)


@pytest.mark.parametrize("packed", [b"", b"\xc1", b"\x91", b"\x93\x01\x02\x03", b"\x81\x01\x02"])
def test_a_head_that_makes_no_sense_is_refused(packed: bytes) -> None:
    with pytest.raises(Garbled):
        frames.parse_head(Kind.ASK, packed)


def test_what_could_not_be_read_is_not_packed() -> None:
    with pytest.raises(ValueError, match="a frame of"):
        frames.encode(Answer(1), frames.LONGEST_PAYLOAD + 1)
