"""After a reprotect both sides are the same, whatever either wrote and whichever point was started."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.disks.spans import Span, intersection, merged, total
from holdfast.replication.adoption import GRAIN, Suspects, part_of

SIZES = st.integers(min_value=1, max_value=300 * GRAIN)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, list[Span]]:
    size = draw(SIZES)
    pairs = draw(st.lists(st.tuples(st.integers(0, size), st.integers(1, 5 * GRAIN)), max_size=12))
    return size, merged(Span(at, min(size, at + length)) for at, length in pairs)


@given(spans())
def test_all_that_is_suspect_stays_suspect_in_whole_grains_of_the_disk(
    told: tuple[int, list[Span]],
) -> None:
    size, wanted = told

    found = Suspects.of(wanted, size).spans()

    assert intersection(found, wanted) == wanted
    assert all(span.start % GRAIN == 0 for span in found)
    assert all(span.end % GRAIN == 0 or span.end == size for span in found)
    assert total(found) <= sum(span.length + 2 * GRAIN for span in wanted)


@given(spans(), spans())
def test_the_union_has_both_and_nothing_else(
    one: tuple[int, list[Span]], other: tuple[int, list[Span]]
) -> None:
    first, second = Suspects.of(one[1], one[0]), Suspects.of(other[1], other[0])

    joined = first.joined(second)

    assert joined.size == max(one[0], other[0])
    whole = Suspects.of([*first.spans(), *second.spans()], joined.size)
    assert joined.spans() == whole.spans()
    assert joined.total <= first.total + second.total + 2 * GRAIN


@given(spans(), st.integers(1, 5))
def test_what_is_asked_for_in_parts_is_what_there_is(
    told: tuple[int, list[Span]], bytes_each: int
) -> None:
    size, wanted = told
    suspects, step = Suspects.of(wanted, size), 8 * GRAIN * bytes_each

    parts = [part_of(suspects.bits, at, min(step, size - at)) for at in range(0, size, step)]

    assert b"".join(parts) == suspects.bits


# A model of two sites: a disk is a list of words, a record a set of places.
WORDS = 24
WRITES = st.lists(st.tuples(st.integers(0, WORDS - 1), st.integers(1, 9)), max_size=8)


@given(
    shipped=st.lists(WRITES, min_size=1, max_size=5),
    after=WRITES,
    beyond=WRITES,
    data=st.data(),
)
def test_the_three_records_together_are_all_that_differs(
    shipped: list[list[tuple[int, int]]],
    after: list[tuple[int, int]],
    beyond: list[tuple[int, int]],
    data: st.DataObject,
) -> None:
    points = [[0] * WORDS]
    layers = list[set[int]]()
    for number, writes in enumerate(shipped):
        points.append(_written(points[-1], writes, mark=10 * (number + 1)))
        layers.append({place for place, _value in writes})
    chosen = data.draw(st.integers(0, len(points) - 1))
    home = _written(points[-1], after, mark=1000)
    here = _written(points[chosen], beyond, mark=2000)

    union = {place for place, _value in after} | {place for place, _value in beyond}
    union |= set[int]().union(*layers[chosen:])
    reverse = [here[place] if place in union else home[place] for place in range(WORDS)]

    assert reverse == here


def _written(disk: list[int], writes: list[tuple[int, int]], *, mark: int) -> list[int]:
    changed = list(disk)
    for place, value in writes:
        changed[place] = mark + value
    return changed
