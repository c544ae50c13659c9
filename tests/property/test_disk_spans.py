"""Spans do what sets of bytes do, and their lists are always in order."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from holdfast.disks.spans import (
    Span,
    aligned,
    clipped,
    difference,
    intersection,
    merged,
    pieces,
    total,
    union,
)

SIZE = 200
any_span = st.builds(Span, st.integers(0, SIZE), st.integers(0, SIZE))
any_spans = st.lists(any_span, max_size=20)
lists = any_spans.map(merged)


def _bytes(spans: list[Span]) -> set[int]:
    return {byte for span in spans for byte in range(*span)}


def _is_in_order(spans: list[Span]) -> bool:
    apart = all(one.end < other.start for one, other in pairwise(spans))
    return apart and all(span.start < span.end for span in spans)


@given(any_spans)
def test_merged_keeps_every_byte_once(spans: list[Span]) -> None:
    result = merged(spans)

    assert _bytes(result) == _bytes(spans)
    assert _is_in_order(result)
    assert total(result) == len(_bytes(spans))


@given(lists, lists)
def test_operations_are_those_of_sets(one: list[Span], other: list[Span]) -> None:
    results = [union(one, other), intersection(one, other), difference(one, other)]

    first, second = _bytes(one), _bytes(other)
    assert [_bytes(spans) for spans in results] == [
        first | second,
        first & second,
        first - second,
    ]
    assert all(map(_is_in_order, results))


@given(lists, st.integers(1, 64))
def test_aligned_takes_every_unit_that_is_touched(spans: list[Span], unit: int) -> None:
    result = aligned(spans, unit, SIZE)

    units = {byte // unit for byte in _bytes(spans)}
    assert _bytes(result) == {byte for byte in range(SIZE) if byte // unit in units}
    assert _is_in_order(result)


@given(lists, any_span)
def test_clipped_is_what_lies_within(spans: list[Span], within: Span) -> None:
    result = clipped(spans, within)

    assert _bytes(result) == _bytes(spans) & set(range(*within))
    assert _is_in_order(result)


@given(lists, st.integers(1, 64))
def test_pieces_are_the_spans_cut_at_multiples(spans: list[Span], longest: int) -> None:
    result = list(pieces(spans, longest))

    assert merged(result) == spans
    assert all(piece.start // longest == (piece.end - 1) // longest for piece in result)
    assert total(result) == total(spans)
