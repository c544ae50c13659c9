"""Coming to terms with an NBD server: which export, which contexts, which block sizes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.disks import nbd_haggling as haggling
from holdfast.disks.errors import DiskExportMissing, DiskExportRefused
from holdfast.disks.nbd_haggling import Answer, Blocks, Info, Option, OptionReply
from holdfast.disks.nbd_stream import NbdStream
from holdfast.disks.nbd_wire import Export, WireError


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a server agreed to."""

    size: int
    flags: Export
    blocks: Blocks
    # By what numbers it calls the contexts it has.
    contexts: dict[str, int]


def open_export(stream: NbdStream, export: str, contexts: Sequence[str]) -> Opened:
    """The server must know structured replies only if it is asked for a context."""
    try:
        flags = haggling.decode_greeting(stream.receive(haggling.GREETING_SIZE))
        stream.send(haggling.encode_client_flags(flags & 3))
        return _negotiate(stream, export, contexts)
    except WireError as err:
        stream.malformed(err)


def _negotiate(stream: NbdStream, export: str, contexts: Sequence[str]) -> Opened:
    numbers: dict[str, int] = {}
    if _has_structured_replies(stream) and contexts:
        numbers = _select_contexts(stream, export, contexts)
    blocks, exported = Blocks(), None
    for reply, content in _ask(stream, Option.GO, haggling.encode_go(export, [Info.BLOCK_SIZE])):
        if reply.is_error:
            raise _refusal(stream, export, reply, content)
        if reply.kind != Answer.INFO:
            raise WireError(f"a reply of kind {reply.kind} to GO")
        info = haggling.decode_info(content)
        if isinstance(info, Blocks):
            blocks = info
        elif info is not None:
            exported = info
    if exported is None:
        raise WireError("it let us in without a word on the export")
    size, flags = exported
    return Opened(size=size, flags=Export(flags), blocks=blocks, contexts=numbers)


def _has_structured_replies(stream: NbdStream) -> bool:
    return not any(reply.is_error for reply, _words in _ask(stream, Option.STRUCTURED_REPLY, b""))


def _select_contexts(stream: NbdStream, export: str, contexts: Sequence[str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    asked = haggling.encode_contexts(export, contexts)
    for reply, content in _ask(stream, Option.SET_META_CONTEXT, asked):
        # Why it refuses, it will say of GO.
        if not reply.is_error:
            number, name = haggling.decode_context(content)
            numbers[name] = number
    return numbers


def _ask(stream: NbdStream, option: Option, content: bytes) -> Iterator[tuple[OptionReply, bytes]]:
    """All replies to an option but the final ACK; an error is the last one."""
    stream.send(haggling.encode_option(option, content))
    # A server that never comes to an end is none.
    for _number in range(1000):
        reply = haggling.decode_option_reply(stream.receive(haggling.OPTION_REPLY_SIZE))
        said = stream.receive(reply.length)
        if reply.option != option:
            raise WireError(f"a reply to the option {reply.option} instead of {option}")
        if reply.kind == Answer.ACK:
            return
        yield reply, said
        if reply.is_error:
            return
    raise WireError(f"no end of replies to the option {option}")


def _refusal(
    stream: NbdStream, export: str, reply: OptionReply, content: bytes
) -> DiskExportMissing | DiskExportRefused:
    said = content.decode(errors="backslashreplace") or f"error {reply.kind:#x}"
    stream.close()
    if reply.kind == Answer.UNKNOWN:
        return DiskExportMissing(place=stream.place, export=repr(export), reason=said)
    return DiskExportRefused(place=stream.place, export=repr(export), reason=said)
