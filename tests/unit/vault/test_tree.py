"""Listings of folders: bytes as restic writes them, and times as they are."""

import pytest

from holdfast.base.ids import BlobId, TreeId
from holdfast.vault.errors import TreeBroken
from holdfast.vault.tree import encode_tree, format_time, parse_time, parse_tree

TREE = TreeId(BlobId(bytes(32)))
HEAD = (
    '{"nodes":[{"name":"%s","type":"file","mode":420,"mtime":"%s","atime":"%s","ctime":"%s",'
    '"uid":0,"gid":0%s}]}\n'
)
TIME = "2026-01-01T00:00:00Z"


def listing(*, name: str = "a", time: str = TIME, rest: str = ',"content":[]') -> bytes:
    return (HEAD % (name, time, time, time, rest)).encode()


@pytest.mark.parametrize(
    "content",
    [
        listing(),
        listing(name="\\\\n\\\\xff\\\\\\\\"),
        listing(name="a\\u003cb\\u003e\\u0026\\u2028\\u2029"),
        listing(rest=',"user":"ada","size":3,"links":1,"content":["%s"]' % ("ab" * 32)),
        listing(rest=',"linktarget":"\\ufffd","linktarget_raw":"/w==","content":null'),
        listing(rest=',"linktarget":"a\\ufffd\ufffdb","linktarget_raw":"Yf/vv71i","content":null'),
        listing(rest=',"extended_attributes":[{"name":"user.a","value":null}],"content":[]'),
        b'{"nodes":[]}\n',
    ],
)
def test_a_listing_is_written_again_byte_for_byte(content: bytes) -> None:
    assert encode_tree(parse_tree(TREE, content)) == content


def test_fields_of_newer_clients_are_passed_over() -> None:
    assert parse_tree(TREE, listing(rest=',"content":[],"future":{"a":[1]}'))[0].name == "a"


def test_a_listing_without_nodes_is_empty() -> None:
    assert parse_tree(TREE, b'{"nodes":null}') == []


@pytest.mark.parametrize(
    "content",
    [
        listing(name="\\\\q"),
        listing(time="yesterday"),
        listing(time="2026-02-30T00:00:00Z"),
        listing(rest=',"content":["short"]'),
        listing(rest=',"content":["%s"]' % (" " * 64)),
        listing(rest=',"content":["%s"]' % ("zz" * 32)),
        listing(rest=',"content":null,"subtree":"../../etc"'),
        listing(rest=',"content":[],"size":-1'),
        listing(rest=',"content":[],"uid":4294967296'),
    ],
)
def test_a_listing_that_cannot_be_meant_is_refused(content: bytes) -> None:
    with pytest.raises(TreeBroken):
        parse_tree(TREE, content)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_700_000_000_120_000_000, "2023-11-14T22:13:20.12Z"),
        (-62_135_596_800 * 10**9, "0001-01-01T00:00:00Z"),
    ],
)
def test_times_are_written_as_go_writes_them(nanoseconds: int, text: str) -> None:
    assert format_time(nanoseconds) == text
    assert parse_time(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T18:30:00.5-05:30", 500_000_000),
        ("0000-06-01T00:00:00Z", -62_135_596_800 * 10**9),
    ],
)
def test_times_of_other_zones_and_of_no_year_are_read(text: str, nanoseconds: int) -> None:
    assert parse_time(text) == nanoseconds
