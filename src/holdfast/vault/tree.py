"""Trees: the listing of one directory. Format: restic design document, section "Trees and Data".

The bytes must be those restic itself would write, or `restic rewrite` refuses the tree and
nothing deduplicates. A node therefore keeps its values as they stand in the JSON, and msgspec
writes them in the order of the fields below; only Go's extra escapes are put in afterwards.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Annotated, Literal

import msgspec

from holdfast.base.ids import ID_BYTES, TreeId, is_file_id
from holdfast.vault.errors import TreeBroken
from holdfast.vault.go_strings import unquote

Natural = Annotated[int, msgspec.Meta(ge=0)]
Natural32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]

NodeType = Literal["file", "dir", "symlink", "dev", "chardev", "fifo", "socket", "irregular", ""]


class ExtendedAttribute(msgspec.Struct):
    name: str
    value: bytes | None


class Node(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One entry of a directory; build it with files.nodes, read it through the properties."""

    name: str
    type: NodeType
    mode: Natural32 = 0
    mtime: str
    atime: str
    ctime: str
    uid: Natural32
    gid: Natural32
    user: str = ""
    group: str = ""
    inode: Natural = 0
    device_id: Natural = 0
    size: Natural = 0
    links: Natural = 0
    linktarget: str = ""
    linktarget_raw: bytes = b""
    extended_attributes: list[ExtendedAttribute] = []
    generic_attributes: dict[str, msgspec.Raw] = {}
    device: Natural = 0
    content: list[str] | None
    subtree: str | None = None
    error: str = ""

    @property
    def raw_name(self) -> bytes:
        return unquote(self.name)

    @property
    def raw_target(self) -> bytes:
        return self.linktarget_raw or self.linktarget.encode("utf-8", "surrogatepass")

    @property
    def mtime_ns(self) -> int:
        return parse_time(self.mtime)

    @property
    def subtree_id(self) -> TreeId:
        return TreeId(bytes.fromhex(self.subtree or ""))


class Tree(msgspec.Struct):
    nodes: list[Node] | None


# Go's encoder hides these from browsers; they occur in strings only.
_GO_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)

_BAD_BYTE = re.compile("[\udc80-\udcff]")

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Tree)


def encode_tree(nodes: Iterable[Node]) -> bytes:
    """The bytes of a tree blob; the nodes must be sorted by raw name already."""
    return join_tree([encode_nodes(list(nodes))])


def encode_nodes(nodes: list[Node]) -> bytes:
    """The nodes as they stand in a tree, without the brackets around them."""
    content = _encoder.encode(nodes)[1:-1]
    if b'"linktarget_raw":' in content:
        content = b",".join(map(_with_target_of_go, nodes))
    for char, escape in _GO_ESCAPES:
        if char in content:
            content = content.replace(char, escape)
    return content


def _with_target_of_go(node: Node) -> bytes:
    """Where a target is no UTF-8, Go writes an escape for each bad byte, but not for U+FFFD."""
    content = _encoder.encode(node)
    if not node.linktarget_raw:
        return content
    text = node.linktarget_raw.decode("utf-8", "surrogateescape")
    pieces = (_encoder.encode(piece)[1:-1] for piece in _BAD_BYTE.split(text))
    target = b"\\ufffd".join(pieces)
    old = b'"linktarget":' + _encoder.encode(node.linktarget)
    return content.replace(old, b'"linktarget":"' + target + b'"', 1)


def join_tree(pieces: Iterable[bytes]) -> bytes:
    """The bytes of a tree blob from runs of encoded nodes, in order; empty runs are left out."""
    return b'{"nodes":[' + b",".join(filter(None, pieces)) + b"]}\n"


def with_subtree(folder: bytes, tree: TreeId) -> bytes:
    """An encoded folder node, completed with the tree that was not known when it was encoded."""
    return folder[:-1] + b',"subtree":"' + tree.hex().encode() + b'"}'


def parse_tree(tree: TreeId, content: bytes | bytearray | memoryview) -> list[Node]:
    """Read a tree blob; unknown fields are fine, newer clients write them.

    What the nodes' properties and `parse_time` are asked later is proven here to be answerable.
    """
    try:
        nodes = _decoder.decode(content).nodes or []
        if not _are_readable(nodes):
            for node in nodes:
                _require_readable(node)
    except (msgspec.DecodeError, ValueError, RecursionError) as err:
        raise TreeBroken(tree=tree.hex(), reason=err) from err
    return nodes


_DIGITS = 2 * ID_BYTES
_CLOCK = (
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_TIME = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])" + _CLOCK)
_LAST_DAY_OF_ALL_MONTHS = "28"
# Times of days that every year has, one after another.
_TIMES = re.compile(
    r"(?:[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)" + _CLOCK + ",)*"
)


def _are_readable(nodes: list[Node]) -> bool:
    """Whether a look at all nodes together finds nothing to look at in each."""
    times = set[str]()
    content: list[str] = []
    for node in nodes:
        times.update((node.mtime, node.atime, node.ctime))
        if node.content:
            content += node.content
        if "\\" in node.name or (node.subtree is not None and not is_file_id(node.subtree)):
            return False
    if content and not _are_ids(content):
        return False
    return _TIMES.fullmatch("".join([f"{time}," for time in times])) is not None


def _require_readable(node: Node) -> None:
    if "\\" in node.name:
        unquote(node.name)
    if node.subtree is not None and not is_file_id(node.subtree):
        raise ValueError(f"impossible subtree of {node.name!r}")
    if node.content and not _are_ids(node.content):
        raise ValueError(f"impossible content of {node.name!r}")
    for time in {node.mtime, node.atime, node.ctime}:
        if not _TIME.fullmatch(time):
            raise ValueError(f"impossible time {time!r} of {node.name!r}")
        if time[8:10] > _LAST_DAY_OF_ALL_MONTHS:
            parse_time(time)


def _are_ids(content: list[str]) -> bool:
    # One conversion for all: a disk has a million of them. It would skip white space.
    digits = "".join(content)
    return set(map(len, content)) == {_DIGITS} and 2 * len(bytes.fromhex(digits)) == len(digits)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# datetime ends at year 9999 as RFC 3339 does, and restic clamps to the years 0 to 9999.
_FIRST = int((datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds())
_NANOSECONDS = 10**9


@lru_cache(maxsize=1 << 16)
def _minute(minutes: int) -> str:
    """A backup formats two times a file, and files come in crowds of the same minute."""
    moment = _EPOCH + timedelta(minutes=minutes)
    return moment.strftime("%Y-%m-%dT%H:%M:").rjust(17, "0")


def format_time(nanoseconds: int) -> str:
    """RFC 3339 in UTC with as many digits as are needed, as Go writes it."""
    seconds, rest = divmod(nanoseconds, _NANOSECONDS)
    if not _FIRST <= seconds <= _LAST:
        seconds, rest = min(max(seconds, _FIRST), _LAST), 0
    minutes, second = divmod(seconds, 60)
    if rest:
        return f"{_minute(minutes)}{second:02}.{rest:09}".rstrip("0") + "Z"
    return f"{_minute(minutes)}{second:02}Z"


_SECONDS = {f"{second:02}": second for second in range(60)}


@lru_cache(maxsize=4096)
def _start_of_minute(text: str, zone: str) -> int:
    """Seconds since 1970; a restore reads a time a file, and files come in crowds."""
    moment = datetime.fromisoformat(f"{text}00")
    return (moment.replace(tzinfo=_zone(zone)) - _EPOCH) // timedelta(seconds=1)


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    hours, minutes = text[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text[0] == "-" else offset)


def parse_time(text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 time; ValueError when it is none."""
    zone = "Z" if text.endswith("Z") else text[-6:]
    body = text[: -len(zone)]
    whole, _, fraction = body.partition(".")
    if whole.startswith("0000"):
        # A year that datetime does not have, and that nothing was ever written in.
        seconds = _FIRST
    elif (second := _SECONDS.get(whole[17:])) is not None:
        seconds = _start_of_minute(whole[:17], zone) + second
    else:
        raise ValueError(f"{text!r} is no time")
    return seconds * _NANOSECONDS + int(fraction[:9].ljust(9, "0") or 0)
