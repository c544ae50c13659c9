"""Frames of the link between hosts: a fixed beginning, a head as MessagePack, then bytes as they are.

The site speaks first, with a Greeting, when it has found who the other is. Each side sends a Beat
when it has had nothing else to say for a while, and gives the other up that says nothing at all.
Numbers are the client's: it gives each Ask one, and the answer has it. A log that was asked for
by `incoming` is sent in Data frames with that Ask's number; no answer comes to those unless
something is wrong.
"""

import struct
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple, TypeAlias

import msgspec

from holdfast.base.units import KIB, MIB

VERSION = OLDEST = 1
# Of a Data frame; answers may be longer.
LONGEST_PIECE = MIB
LONGEST_PAYLOAD = 4 * MIB
LONGEST_HEAD = 64 * KIB

_BEGIN = struct.Struct("!2sBxII")
BEGIN_BYTES = _BEGIN.size
_MAGIC = b"HF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """In seconds: how often each side says that it is there, and when it is given up."""

    beat: float = 5.0
    # Some beats, of which one may be late and others lost.
    silence: float = 25.0


USUAL = Rhythm()


class Garbled(ValueError):
    """What is wrong with these bytes; whoever reads them makes an error for people of it."""


class Kind(IntEnum):
    GREETING = 1
    HELLO = 2
    BEAT = 3
    ASK = 4
    ANSWER = 5
    REFUSAL = 6
    DATA = 7


class Greeting(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    oldest: int
    product: str
    now: datetime


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    product: str
    now: datetime


class Beat(msgspec.Struct, frozen=True):
    pass


class Ask(msgspec.Struct, frozen=True):
    """What is asked with is the payload, as MessagePack; so is what is answered."""

    number: int
    verb: str


class Answer(msgspec.Struct, frozen=True):
    number: int


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as a HoldfastError has it; number 0 is about the connection and ends it."""

    number: int
    code: str
    sentence: str
    remedy: str
    retry: str
    fields: dict[str, str | int | float | bool | list[str]] = {}


class Data(msgspec.Struct, frozen=True):
    number: int
    offset: int


Head: TypeAlias = Greeting | Hello | Beat | Ask | Answer | Refusal | Data
_HEADS: dict[Kind, type[Head]] = {
    Kind.GREETING: Greeting,
    Kind.HELLO: Hello,
    Kind.BEAT: Beat,
    Kind.ASK: Ask,
    Kind.ANSWER: Answer,
    Kind.REFUSAL: Refusal,
    Kind.DATA: Data,
}
_KINDS = {head: kind for kind, head in _HEADS.items()}
_DECODERS = {kind: msgspec.msgpack.Decoder(head) for kind, head in _HEADS.items()}
_encoder = msgspec.msgpack.Encoder()


class Begin(NamedTuple):
    kind: Kind
    head_length: int
    payload_length: int


def encode(head: Head, payload_length: int = 0) -> bytes:
    """The frame before its payload."""
    packed = _encoder.encode(head)
    if len(packed) > LONGEST_HEAD or payload_length > LONGEST_PAYLOAD:
        raise ValueError(f"a frame of {len(packed)} and {payload_length} bytes")
    return _BEGIN.pack(_MAGIC, _KINDS[type(head)], len(packed), payload_length) + packed


def parse_begin(packed: bytes | memoryview) -> Begin:
    magic, kind, head_length, payload_length = _BEGIN.unpack(packed)
    if magic != _MAGIC:
        raise Garbled("it is no frame of ours")
    try:
        begin = Begin(Kind(kind), head_length, payload_length)
    except ValueError as err:
        raise Garbled(f"a frame of kind {kind}") from err
    longest = LONGEST_PIECE if begin.kind is Kind.DATA else LONGEST_PAYLOAD
    if head_length > LONGEST_HEAD or payload_length > longest:
        raise Garbled(f"a frame of {head_length} and {payload_length} bytes")
    return begin


def parse_head(kind: Kind, packed: bytes | memoryview) -> Head:
    try:
        return _DECODERS[kind].decode(packed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise Garbled(f"the head of a frame makes no sense: {err}") from err
