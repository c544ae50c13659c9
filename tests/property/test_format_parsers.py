"""Whatever comes out of a vault, a parser reads it or says in our words that it cannot."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, PackId, SnapshotId, TreeId
from holdfast.testing.vaults import PASSPHRASE
from holdfast.vault.check_pack import open_header
from holdfast.vault.check_trees import blobs_of, listing_problems, node_problem
from holdfast.vault.config import parse_config
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.index_file import packs_of
from holdfast.vault.index_rows import rows_of
from holdfast.vault.keys import parse_key_file, unwrap
from holdfast.vault.lock_file import parse_lock
from holdfast.vault.pack_header import LENGTH, read_spans
from holdfast.vault.sealed_files import unpack
from holdfast.vault.snapshot import parse_snapshot
from holdfast.vault.tree import parse_time, parse_tree

ZERO = "0" * 64
SEALER = Sealer(MasterKey.from_bytes(bytes(64)))
PACK = PackId(bytes(32))
TREE = TreeId(bytes(32))
_TIME = "2026-01-01T00:00:00Z"

NODE = {
    "name": "a",
    "type": "file",
    "mode": 420,
    "mtime": _TIME,
    "atime": _TIME,
    "ctime": _TIME,
    "uid": 0,
    "gid": 0,
    "size": 1,
    "content": [ZERO],
    "extended_attributes": [{"name": "user.a", "value": "QQ=="}],
}
TREE_JSON: dict[str, Any] = {"nodes": [NODE, {**NODE, "name": "b", "type": "dir", "subtree": ZERO}]}
INDEX_JSON: dict[str, Any] = {
    "packs": [
        {
            "id": ZERO,
            "blobs": [
                {"id": ZERO, "type": "data", "offset": 0, "length": 40},
                {"id": ZERO, "type": "tree", "offset": 40, "length": 40, "uncompressed_length": 9},
            ],
        }
    ]
}
SNAPSHOT_JSON: dict[str, Any] = {
    "time": "2026-01-01T00:00:00.123456789+01:00",
    "tree": ZERO,
    "paths": ["/srv"],
    "hostname": "alpha",
    "tags": ["a"],
    "uid": 0,
}
LOCK_JSON: dict[str, Any] = {
    "time": _TIME,
    "exclusive": False,
    "hostname": "a",
    "username": "b",
    "pid": 1,
}
CONFIG_JSON: dict[str, Any] = {
    "version": 2,
    "id": ZERO,
    "chunker_polynomial": "3da3358b4dc173",
}
KEY_JSON: dict[str, Any] = {
    "created": _TIME,
    "username": "",
    "hostname": "",
    "kdf": "scrypt",
    "N": 2,
    "r": 1,
    "p": 1,
    "salt": "A" * 86 + "==",
    "data": "A" * 60,
}


def read_tree(content: bytes) -> None:
    """Parse, and ask everything a restore, a check or a mount would ask."""
    nodes = parse_tree(TREE, content)
    list(listing_problems(nodes))
    for node in nodes:
        assert isinstance(node.raw_name + node.raw_target, bytes)
        for time in (node.mtime, node.atime, node.ctime):
            assert isinstance(parse_time(time), int)
        list(blobs_of(node))
        node_problem(node)
        if node.subtree is not None:
            assert len(node.subtree_id) == 32


def read_key(content: bytes) -> None:
    unwrap("k", parse_key_file("k", content), PASSPHRASE)


PARSERS: dict[str, tuple[Callable[[bytes], object], dict[str, Any]]] = {
    "tree": (read_tree, TREE_JSON),
    "index": (lambda content: list(packs_of("index/x", content)), INDEX_JSON),
    "index rows": (lambda content: rows_of("index/x", content), INDEX_JSON),
    "snapshot": (lambda content: parse_snapshot(SnapshotId(FileId(ZERO)), content), SNAPSHOT_JSON),
    "lock": (lambda content: parse_lock(FileId(ZERO), content), LOCK_JSON),  # type: ignore[arg-type]  # any name will do
    "config": (parse_config, CONFIG_JSON),
    "key": (lambda content: parse_key_file("k", content), KEY_JSON),
}

_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.sampled_from(
        (
            ZERO[:-1] + " ",
            ZERO.replace("00", " 0", 1),
            ZERO[:-1] + "g",
            "\\x",
            "\\400",
            "\\U00110000",
            "0000-01-01T00:00:00Z",
            "2026-02-31T00:00:00Z",
            "2026-01-01T00:00:00+99:00",
            "2026-01-01T00:00:00",
            "9999-12-31T23:59:59.999999999-23:59",
            "0001-01-01T00:00:00+23:59",
            2**32,
            2**64,
            -1,
        )
    ),
    st.lists(st.text(max_size=3), max_size=2),
    st.just({}),
)


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [p for key, inner in value.items() for p in paths_in(inner, (*path, key))]
    if isinstance(value, list):
        found += [p for at, inner in enumerate(value) for p in paths_in(inner, (*path, at))]
    return found


@st.composite
def bent(draw: st.DrawFn, whole: dict[str, Any]) -> bytes:
    """A document in which a few values are others than they should be, or are not there."""
    value = json.loads(json.dumps(whole))
    for path in draw(st.lists(st.sampled_from(paths_in(whole)[1:]), min_size=1, max_size=3)):
        here = value
        try:
            for step in path[:-1]:
                here = here[step]
            if draw(st.booleans()):
                here[path[-1]] = draw(_ODD)
            else:
                del here[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this part away
    return json.dumps(value).encode()


@pytest.mark.parametrize("name", PARSERS)
def test_the_document_that_is_bent_below_is_readable(name: str) -> None:
    parse, whole = PARSERS[name]

    parse(json.dumps(whole).encode())


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
def test_bent_documents_are_read_or_refused(name: str, data: st.DataObject) -> None:
    parse, whole = PARSERS[name]
    content = data.draw(bent(whole))

    with contextlib.suppress(HoldfastError):
        parse(content)


@pytest.mark.parametrize("name", PARSERS)
@given(content=st.binary(max_size=200))
@example(content=b"[" * 5000)
@example(content=b'{"nodes":' + b"[" * 5000)
@example(content=b'{"x":' * 5000)
@example(content=b'{"packs":[{"id":"\xff"}]}')
@example(content=b'{"nodes":[{"name":"\\ud800"}]}')
def test_any_bytes_are_read_or_refused(name: str, content: bytes) -> None:
    parse, _ = PARSERS[name]

    with contextlib.suppress(HoldfastError):
        parse(content)


@given(header=st.binary(max_size=300))
def test_any_pack_header_is_read_or_refused(header: bytes) -> None:
    try:
        spans = list(read_spans(PACK, header))
    except HoldfastError:
        return
    assert [span.offset for span in spans] == [
        sum(other.length for other in spans[:at]) for at in range(len(spans))
    ]


@given(tail=st.binary(max_size=100), length=st.integers(0, 2**32 - 1) | st.integers(0, 100))
def test_any_end_of_a_pack_is_read_or_refused(tail: bytes, length: int) -> None:
    for content in (tail, tail + LENGTH.pack(length)):
        with pytest.raises(HoldfastError):
            list(open_header(SEALER, PACK, content))


@given(plain=st.binary(max_size=100))
def test_any_header_inside_a_good_envelope_is_read_or_refused(plain: bytes) -> None:
    sealed = SEALER.seal(plain)

    with contextlib.suppress(HoldfastError):
        list(open_header(SEALER, PACK, sealed + LENGTH.pack(len(sealed))))


@given(plain=st.binary(max_size=100))
@example(plain=b"\x02")
@example(plain=b"\x02(\xb5/\xfd")
def test_any_decrypted_file_is_unpacked_or_refused(plain: bytes) -> None:
    for content in (plain, b"\x02" + plain):
        with contextlib.suppress(HoldfastError):
            unpack("index/x", content)


@given(sealed=st.binary(max_size=100))
def test_no_made_up_envelope_opens(sealed: bytes) -> None:
    with pytest.raises(HoldfastError):
        SEALER.open(sealed, what="made up")


@given(cost=st.tuples(st.integers(-1, 70_000), st.integers(-1, 20), st.integers(-1, 20)))
def test_scrypt_parameters_that_are_accepted_can_be_derived(cost: tuple[int, int, int]) -> None:
    n, r, p = cost
    content = json.dumps({**KEY_JSON, "N": n, "r": r, "p": p}).encode()
    if n * r * p > 1 << 14:
        return  # accepted or not, deriving would take long

    with contextlib.suppress(HoldfastError):
        read_key(content)
