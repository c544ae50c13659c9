"""Coming to terms with an NBD client: which export it wants and what it understands."""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.disks import nbd_haggling as haggling
from holdfast.disks.nbd_haggling import Answer, Blocks, Option
from holdfast.disks.nbd_stream import NbdStream
from holdfast.disks.nbd_wire import BASE_ALLOCATION, LONGEST_PAYLOAD, Export, WireError
from holdfast.disks.source import DiskSource

FLAGS = Export.HAS_FLAGS | Export.READ_ONLY | Export.DF | Export.MULTI_CONN
ALLOCATION_NUMBER = 1
_BLOCKS = Blocks(1, 4096, LONGEST_PAYLOAD)
# A client with more to ask than this asks for nothing.
_MOST_OPTIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a client wants from now on."""

    export: str
    is_structured: bool
    wants_allocation: bool


class Greeter:
    """The haggling with one client."""

    def __init__(self, stream: NbdStream, exports: Mapping[str, DiskSource]) -> None:
        self._stream = stream
        self._exports = exports
        self._is_structured = False
        # Contexts are of the export they were asked for.
        self._context_of: str | None = None

    def greet(self) -> Wish | None:
        """None: the client left, or it wants what is not there and cannot be told."""
        self._stream.send(haggling.encode_greeting())
        flags = haggling.decode_client_flags(self._stream.receive(haggling.CLIENT_FLAGS_SIZE))
        for _number in range(_MOST_OPTIONS):
            head = self._stream.receive(haggling.OPTION_SIZE)
            option, length = haggling.decode_option(head)
            content = self._stream.receive(length)
            match option:
                case Option.EXPORT_NAME:
                    return self._old_way(content, with_zeroes=not flags & haggling.NO_ZEROES)
                case Option.ABORT:
                    self._answer(option, Answer.ACK)
                    return None
                case Option.GO:
                    wish = self._tell(option, content)
                    if wish is not None:
                        return wish
                case _:
                    self._handle(option, content)
        return None

    def _handle(self, option: int, content: bytes) -> None:
        match option:
            case Option.INFO:
                self._tell(option, content)
            case Option.LIST:
                for name in self._exports:
                    self._answer(option, Answer.SERVER, haggling.encode_export_name(name))
                self._answer(option, Answer.ACK)
            case Option.STRUCTURED_REPLY:
                self._is_structured = True
                self._answer(option, Answer.ACK)
            case Option.LIST_META_CONTEXT | Option.SET_META_CONTEXT:
                self._tell_contexts(option, content)
            case _:
                self._answer(option, Answer.UNSUPPORTED)

    def _tell(self, option: int, content: bytes) -> Wish | None:
        """Everything on an export; a client that said GO has it then."""
        name = self._known(haggling.decode_go(content))
        if name is None:
            self._answer(option, Answer.UNKNOWN, b"no such export")
            return None
        size = self._exports[name].size
        self._answer(option, Answer.INFO, haggling.encode_export_info(size, FLAGS))
        self._answer(option, Answer.INFO, haggling.encode_blocks_info(_BLOCKS))
        self._answer(option, Answer.ACK)
        return self._wish(name)

    def _tell_contexts(self, option: int, content: bytes) -> None:
        asked, queries = haggling.decode_contexts(content)
        name = self._known(asked)
        if name is None:
            self._answer(option, Answer.UNKNOWN, b"no such export")
            return
        is_list = option == Option.LIST_META_CONTEXT
        has = BASE_ALLOCATION in queries or (is_list and (not queries or "base:" in queries))
        if not is_list:
            self._context_of = name if has and self._is_structured else None
        if has:
            context = haggling.encode_context(ALLOCATION_NUMBER, BASE_ALLOCATION)
            self._answer(option, Answer.META_CONTEXT, context)
        self._answer(option, Answer.ACK)

    def _old_way(self, content: bytes, *, with_zeroes: bool) -> Wish | None:
        name = self._known(content.decode(errors="replace"))
        if name is None:
            return None
        size = self._exports[name].size
        self._stream.send(haggling.encode_old_export(size, FLAGS, with_zeroes=with_zeroes))
        return self._wish(name)

    def _wish(self, name: str) -> Wish:
        return Wish(
            export=name,
            is_structured=self._is_structured,
            wants_allocation=self._context_of == name,
        )

    def _known(self, name: str) -> str | None:
        """The one export there is needs no name."""
        if not name and len(self._exports) == 1:
            return next(iter(self._exports))
        return name if name in self._exports else None

    def _answer(self, option: int, kind: Answer, content: bytes = b"") -> None:
        self._stream.send(haggling.encode_option_reply(option, kind, content))


def agree(stream: NbdStream, exports: Mapping[str, DiskSource]) -> Wish | None:
    """What the client wants; one that does not speak NBD is hung up on."""
    try:
        return Greeter(stream, exports).greet()
    except WireError as err:
        stream.malformed(err)
