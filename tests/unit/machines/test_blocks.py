"""The plan of a disk against a naive model that looks at every byte."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.machines import blocks as blocks_module
from holdfast.machines.blocks import (
    BLOCK,
    Act,
    BlockIds,
    Stretch,
    bytes_of,
    is_zeros,
    plan_blocks,
    stretches,
    touched,
    zero_blocks,
    zero_id,
)

SMALL = 16


@pytest.fixture(scope="module", autouse=True)
def _small_blocks() -> Iterator[None]:
    """The arithmetic is the same, and a model can look at every byte."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks_module, "BLOCK", SMALL)
        yield


sizes = st.integers(0, 12 * SMALL)
raw_spans = st.lists(
    st.tuples(st.integers(0, 14 * SMALL), st.integers(0, 3 * SMALL)).map(lambda p: (p[0], sum(p))),
    max_size=6,
)


def bytes_in(spans: list[tuple[int, int]], size: int) -> set[int]:
    return {at for start, end in spans for at in range(start, min(end, size))}


def blocks_in(size: int) -> list[range]:
    return [range(at, min(at + SMALL, size)) for at in range(0, size, SMALL)]


@given(size=sizes, spans=raw_spans)
def test_a_block_is_touched_when_a_byte_of_it_is(size: int, spans: list[tuple[int, int]]) -> None:
    inside = bytes_in(spans, size)

    found = touched(spans, size).tolist()

    assert found == [not inside.isdisjoint(block) for block in blocks_in(size)]


@given(
    size=sizes,
    data=raw_spans,
    changed=st.none() | raw_spans,
    before=st.none() | sizes,
)
def test_a_block_is_kept_only_when_the_parent_has_it_and_nothing_in_it_changed(
    size: int,
    data: list[tuple[int, int]],
    changed: list[tuple[int, int]] | None,
    before: int | None,
) -> None:
    parent = None if before is None else BlockIds(before, bytes(32 * len(blocks_in(before))))

    acts = plan_blocks(size, data=data, changed=changed, parent=parent).tolist()

    old = [] if before is None or changed is None else blocks_in(before)
    dirty, full = bytes_in(changed or [], size), bytes_in(data, size)
    expected = []
    for number, block in enumerate(blocks_in(size)):
        if number < len(old) and old[number] == block and dirty.isdisjoint(block):
            expected.append(Act.KEEP)
        else:
            expected.append(Act.ZERO if full.isdisjoint(block) else Act.READ)
    assert acts == expected


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 7))
def test_stretches_are_all_chosen_blocks_in_order_and_short_enough(
    chosen: list[bool], longest: int
) -> None:
    found = list(stretches(np.array(chosen, dtype=np.bool_), longest=longest))

    numbers = [n for first, count in found for n in range(first, first + count)]
    assert numbers == [n for n, is_chosen in enumerate(chosen) if is_chosen]
    assert all(1 <= stretch.blocks <= longest for stretch in found)


def test_neighbours_are_one_stretch() -> None:
    chosen = np.array([True, True, False, True], dtype=np.bool_)

    assert list(stretches(chosen, longest=9)) == [Stretch(0, 2), Stretch(3, 1)]


@given(sizes, st.data())
def test_chosen_bytes_end_with_the_disk(size: int, drawn: st.DataObject) -> None:
    ranges = blocks_in(size)
    flags = drawn.draw(st.lists(st.booleans(), min_size=len(ranges), max_size=len(ranges)))

    total = bytes_of(np.array(flags, dtype=np.bool_), size)

    assert total == sum(len(block) for block, flag in zip(ranges, flags, strict=True) if flag)


def test_a_short_last_block_of_zeros_is_known_by_its_own_id() -> None:
    ids = zero_id(SMALL) + bytes(32) + zero_id(5)

    assert zero_blocks(BlockIds(2 * SMALL + 5, ids)).tolist() == [True, False, True]
    assert zero_blocks(BlockIds(2 * SMALL + 6, ids)).tolist() == [True, False, False]


@pytest.mark.parametrize("length", [0, 1, 511, BLOCK - 1, BLOCK, BLOCK + 1])
def test_zeros_are_told_from_nearly_zeros(length: int) -> None:
    content = bytearray(length)

    assert is_zeros(memoryview(content))
    for at in {0, length // 2, length - 1} if length else ():
        content[at] = 1
        assert not is_zeros(memoryview(content))
        content[at] = 0
