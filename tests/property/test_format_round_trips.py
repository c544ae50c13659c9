"""What we write we read again unchanged: names, times, trees, packs, indexes."""

import hashlib
import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.base.ids import BlobId, PackId, TreeId
from holdfast.vault.check_pack import open_header, pieces_of, verify_pack
from holdfast.vault.compression import Compressor
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.go_strings import quote, unquote
from holdfast.vault.index_cache import in_memory
from holdfast.vault.index_file import encode_index, packs_of
from holdfast.vault.index_packs import PackRows
from holdfast.vault.index_rows import rows_of
from holdfast.vault.index_table import TableWriter
from holdfast.vault.pack_builder import PackBuffer, PackBuilder
from holdfast.vault.pack_header import Kind, Span, encode_header, pack_size, read_spans
from holdfast.vault.tree import Node, encode_tree, format_time, parse_time, parse_tree

MASTER = MasterKey.from_bytes(bytes(range(64)))
BUFFER = PackBuffer(1 << 16)
_YEAR_1, _YEAR_9999 = -62_135_596_800, 253_402_300_799

digests = st.binary(min_size=32, max_size=32)
names = st.binary(min_size=1, max_size=40).filter(
    lambda name: b"/" not in name and b"\0" not in name
)


@given(name=st.binary(max_size=60))
@example(name=bytes(range(1, 256)))
@example(name="\ufffd\u2028\u2029\ud7ff\ue000\U0010ffff".encode())
@example(name=b"\xed\xa0\x80")  # a surrogate, which is no UTF-8
def test_a_name_survives_quoting(name: bytes) -> None:
    assert unquote(quote(name)) == name


@given(name=st.text(max_size=60))
def test_quoted_names_are_harmless_to_print(name: str) -> None:
    quoted = quote(name.encode("utf-8", "surrogatepass"))

    assert quoted.isprintable() or any(ord(char) > 0x7F for char in quoted)
    assert "\n" not in quoted


@given(nanoseconds=st.integers(_YEAR_1 * 10**9, _YEAR_9999 * 10**9 + 999_999_999))
@example(nanoseconds=0)
@example(nanoseconds=-1)
@example(nanoseconds=1)
def test_a_time_survives_to_the_nanosecond(nanoseconds: int) -> None:
    assert parse_time(format_time(nanoseconds)) == nanoseconds


@given(nanoseconds=st.integers(-(10**30), 10**30))
def test_a_time_no_calendar_has_is_moved_to_the_nearest(nanoseconds: int) -> None:
    found = parse_time(format_time(nanoseconds))

    assert _YEAR_1 * 10**9 <= found < (_YEAR_9999 + 1) * 10**9


@given(found=st.dictionaries(names, st.lists(digests, max_size=3), max_size=8))
def test_a_tree_is_written_again_byte_for_byte(found: dict[bytes, list[bytes]]) -> None:
    nodes = [
        Node(
            name=quote(name),
            type="file",
            mtime=format_time(1),
            atime=format_time(1),
            ctime=format_time(1),
            uid=0,
            gid=0,
            content=[blob.hex() for blob in content],
        )
        for name, content in sorted(found.items())
    ]

    written = encode_tree(nodes)
    read = parse_tree(TreeId(BlobId(bytes(32))), written)

    assert [node.raw_name for node in read] == sorted(found)
    assert encode_tree(read) == written


@given(target=st.binary(min_size=1, max_size=40))
@example(target="\ufffd".encode() + b"\xe2\x82")
@example(target=b'\xff"linktarget":"<&>')
def test_a_link_is_written_again_byte_for_byte(target: bytes) -> None:
    text = target.decode("utf-8", "replace")
    raw = b"" if text.encode() == target else target
    time = format_time(1)
    node = Node(
        name="l",
        type="symlink",
        mtime=time,
        atime=time,
        ctime=time,
        uid=0,
        gid=0,
        linktarget=text,
        linktarget_raw=raw,
        content=None,
    )

    written = encode_tree([node])
    (read,) = parse_tree(TreeId(BlobId(bytes(32))), written)

    assert read.raw_target == target
    assert encode_tree([read]) == written


@given(contents=st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=300)), max_size=9))
def test_a_pack_holds_what_was_put_in(contents: list[tuple[bool, bytes]]) -> None:
    sealer = Sealer(MASTER)
    builder = PackBuilder(sealer, Compressor(), BUFFER)
    for is_tree, plain in contents:
        blob = BlobId(hashlib.sha256(plain).digest())
        builder.add(Kind.TREE if is_tree else Kind.DATA, blob, plain)

    content = bytes(builder.finish())

    pack = PackId(hashlib.sha256(content).digest())
    assert list(open_header(sealer, pack, content)) == builder.spans
    assert len(content) == pack_size(builder.spans)
    found = pieces_of(builder.spans, len(content), limit=200)
    pieces = [(piece, content[piece.start : piece.end]) for piece in found]
    verdict = verify_pack(sealer, pack, builder.spans, pieces)
    assert verdict.is_good


spans = st.lists(
    st.tuples(digests, st.sampled_from(Kind), st.integers(32, 9999), st.integers(0, 9999)),
    max_size=12,
    unique_by=lambda span: (span[0], span[1]),
)


def placed(found: list[tuple[bytes, Kind, int, int]]) -> list[Span]:
    offsets = itertools.accumulate((length for _, _, length, _ in found), initial=0)
    return [
        Span(BlobId(blob), kind, offset, length, plain)
        for (blob, kind, length, plain), offset in zip(found, offsets, strict=False)
    ]


@given(found=spans)
def test_a_header_is_read_as_it_was_written(found: list[tuple[bytes, Kind, int, int]]) -> None:
    written = placed(found)

    assert list(read_spans(PackId(bytes(32)), encode_header(written))) == written


@given(packs=st.dictionaries(digests, spans, max_size=5))
def test_an_index_and_its_table_say_what_was_written(
    packs: dict[bytes, list[tuple[bytes, Kind, int, int]]],
) -> None:
    written = {PackId(pack): placed(found) for pack, found in packs.items()}
    content = encode_index(written.items())

    read = dict(packs_of("index/x", content))
    writer = TableWriter()
    writer.add_rows(rows_of("index/x", content))
    table = in_memory(writer, ["x"])

    assert read == written
    assert dict(PackRows(table)) == written
    rows = PackRows(table)
    for pack, spans_of_pack in written.items():
        size = pack_size(spans_of_pack)
        assert rows.size(rows.numbers[pack], seen=size) == rows.size(rows.numbers[pack]) == size
    for pack, placed_spans in written.items():
        for blob, kind, offset, length, plain in placed_spans:
            places = [table.location(row) for row in table.find_all(kind, blob)]
            assert (pack, offset, length, plain) in places
            assert table.find(kind, blob) >= 0


@given(packs=st.dictionaries(digests, spans, min_size=1, max_size=4))
def test_a_pack_named_twice_counts_once(
    packs: dict[bytes, list[tuple[bytes, Kind, int, int]]],
) -> None:
    written = {PackId(pack): placed(found) for pack, found in packs.items()}
    rows = rows_of("index/x", encode_index(written.items()))
    writer = TableWriter()

    writer.add_rows(rows)
    writer.add_rows(rows)

    assert writer.repeated == len(written)
    assert dict(PackRows(in_memory(writer, []))) == written
