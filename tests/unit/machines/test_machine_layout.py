"""How disks become files of blobs, and files become disks again."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.ids import ID_BYTES
from holdfast.machines.blocks import BLOCK, block_count, zero_id
from holdfast.machines.errors import NameUnusable
from holdfast.machines.layout import SEGMENT, ZERO_HALF, Segment, content_of, ids_of, segments
from holdfast.machines.nodes import file_name


@given(st.integers(0, 40 * BLOCK), st.integers(1, 9))
def test_segments_are_the_disk_in_order(size: int, blocks: int) -> None:
    parts = segments(size, blocks * BLOCK)

    assert [part.start for part in parts] == [blocks * BLOCK * part.number for part in parts]
    assert sum(part.size for part in parts) == size
    assert sum(part.blocks.stop - part.blocks.start for part in parts) == block_count(size)


def test_a_disk_of_one_segment_is_one_and_a_byte_more_is_two() -> None:
    assert segments(SEGMENT) == [Segment(0, 0, SEGMENT)]
    assert segments(SEGMENT + 1)[1] == Segment(1, SEGMENT, 1)
    assert segments(0) == [Segment(0, 0, 0)]


@given(
    st.lists(
        st.sampled_from([zero_id(BLOCK), b"a" * 32, b"b" * 32, zero_id(ZERO_HALF)]), max_size=8
    ),
    st.integers(1, BLOCK),
)
def test_what_a_node_says_gives_the_blocks_back(blocks: list[bytes], last: int) -> None:
    # A half of zeros is the id of a block only where the disk ends so.
    ids = [blob if blob != zero_id(ZERO_HALF) else b"c" * 32 for blob in blocks]
    size = BLOCK * (len(ids) - 1) + last if ids else 0
    if ids and ids[-1] == zero_id(BLOCK):
        ids[-1] = zero_id(last)

    content = content_of(b"".join(ids))

    assert ids_of(content, size) == b"".join(ids)
    has_zeros = zero_id(BLOCK) in ids
    assert len(content) == len(ids) + has_zeros


def test_restic_finds_the_blob_it_makes_holes_by() -> None:
    content = content_of(b"a" * 32 + zero_id(BLOCK) * 3)

    assert content[1:3] == [zero_id(ZERO_HALF).hex()] * 2
    assert content[3:] == [zero_id(BLOCK).hex()] * 2


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (["aa" * 32], 2 * BLOCK),
        (["aa" * 32] * 3, 2 * BLOCK),
        ([zero_id(ZERO_HALF).hex(), "aa" * 32], BLOCK),
        (["xy" * 32], BLOCK),
        (["aa" * 31], BLOCK),
        (["aa" * 32], 0),
    ],
)
def test_what_is_no_disk_of_ours_is_a_value_error(content: list[str], size: int) -> None:
    with pytest.raises(ValueError, match=r"block|id|hex|list"):
        ids_of(content, size)


@given(
    st.lists(st.binary(min_size=ID_BYTES, max_size=ID_BYTES), max_size=5), st.integers(0, 9 << 20)
)
def test_no_content_is_anything_but_blocks_or_a_value_error(ids: list[bytes], size: int) -> None:
    try:
        found = ids_of([blob.hex() for blob in ids], size)
    except ValueError:
        return

    assert len(found) == ID_BYTES * block_count(size)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a\0b"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(NameUnusable):
        file_name(name)


@pytest.mark.parametrize("name", ["web", "Büro 1", "a\nb", "...", os.fsdecode(b"\xff")])
def test_other_names_are_names(name: str) -> None:
    assert os.fsdecode(file_name(name)) == name
