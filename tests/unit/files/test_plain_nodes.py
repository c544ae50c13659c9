"""The short cut for plain files writes what the long way writes."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.files.backup.plain_nodes import plain_node
from holdfast.files.nodes import make_node
from holdfast.vault.tree import encode_nodes

_BLOB = bytes(range(32))
_TIMES = st.integers(-(1 << 62), 1 << 62)


@dataclass(frozen=True, kw_only=True)
class Status:
    st_mode: int = 0o100644
    st_ino: int = 17
    st_nlink: int = 1
    st_uid: int = 0
    st_gid: int = 0
    st_size: int = 5
    st_mtime_ns: int = 1_700_000_000_123_000_000
    st_ctime_ns: int = 1_700_000_001_000_000_000
    st_rdev: int = 0


_STATUSES = st.builds(
    Status,
    st_mode=st.integers(0, 0o7777).map(lambda bits: 0o100000 | bits),
    st_ino=st.integers(1, (1 << 64) - 1),
    st_uid=st.integers(0, (1 << 32) - 1),
    st_gid=st.sampled_from([0, 1, 4711]),
    st_size=st.integers(1, 1 << 19),
    st_mtime_ns=_TIMES,
    st_ctime_ns=_TIMES,
)


@given(_STATUSES, st.text(st.characters(codec="ascii"), min_size=1).map(str.encode))
def test_a_plain_node_is_the_one_made_the_long_way(status: Status, name: bytes) -> None:
    expected = encode_nodes([make_node(name, status, payload=_BLOB)])

    node = plain_node(name, status, _BLOB)

    assert node in (None, expected)


def test_ordinary_names_are_plain() -> None:
    node = plain_node(b"read me (1).txt", Status(), _BLOB)

    assert node == encode_nodes([make_node(b"read me (1).txt", Status(), payload=_BLOB)])


@pytest.mark.parametrize("name", [b'a"b', b"a\\b", b"a<b", b"a&b", b"a\tb", b"a\xffb", b"\xc3\xa4"])
def test_a_name_that_needs_escapes_is_not_plain(name: bytes) -> None:
    assert plain_node(name, Status(), _BLOB) is None


def test_a_hard_link_is_not_plain() -> None:
    assert plain_node(b"a", Status(st_nlink=2), _BLOB) is None
