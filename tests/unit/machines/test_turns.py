"""Whose turn it is: no more at once than allowed, the first first, nobody overtaken for ever."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from holdfast.machines.turns import Turn, TurnLimits, in_the_way, may_begin

SINCE = datetime(2026, 11, 21, tzinfo=UTC)
TWO = TurnLimits(per_host=2, per_store=2)


def turn(number: int, *stores: str, taken: bool = False) -> Turn:
    named = {store: f"/{store}" for store in stores}
    return Turn(
        number=number, name=f"vm{number}", pid=number, since=SINCE, stores=named, is_taken=taken
    )


def free(turns: Sequence[Turn], limits: TurnLimits = TWO) -> list[int]:
    """Who may begin now."""
    waiting = (each.number for each in turns if not each.is_taken)
    return [number for number in waiting if may_begin(number, turns, limits)]


def test_so_many_begin_as_the_host_may_have_and_the_first_first() -> None:
    assert free([turn(3, "a"), turn(1, "b"), turn(2, "c")]) == [1, 2]
    assert free([turn(1, "a", taken=True), turn(2, "b"), turn(3, "c")]) == [2]
    assert free([turn(1, taken=True), turn(2, taken=True), turn(3)]) == []


def test_who_waits_for_a_datastore_keeps_nobody_from_others() -> None:
    limits = TurnLimits(per_host=2, per_store=1)
    turns = [turn(1, "a", taken=True), turn(2, "a"), turn(3, "b")]

    assert free(turns, limits) == [3]


def test_who_needs_two_datastores_is_not_overtaken_in_either() -> None:
    limits = TurnLimits(per_host=8, per_store=1)
    turns = [turn(1, "a", taken=True), turn(2, "a", "b"), turn(3, "b"), turn(4, "c")]

    assert free(turns, limits) == [4]


def test_what_is_in_the_way_is_named_with_those_who_have_it() -> None:
    limits = TurnLimits(per_host=3, per_store=1)
    turns = [turn(1, "a", taken=True), turn(2, "b", taken=True), turn(3, "b"), turn(4, "b")]

    store = in_the_way(turns[3], turns, limits)
    host = in_the_way(turns[3], turns, TurnLimits(per_host=2, per_store=9))

    assert (store.store, [each.number for each in store.holders]) == ("/b", [2, 3])
    assert (host.store, [each.number for each in host.holders]) == (None, [1, 2])


def test_fewer_than_are_at_work_may_be_allowed_meanwhile() -> None:
    turns = [turn(number, "a", taken=True) for number in (1, 2, 3)]

    assert free([*turns, turn(4, "a")], TurnLimits(per_host=1, per_store=1)) == []


needs = st.lists(st.sampled_from("abc"), unique=True, max_size=3)


@given(
    wanted=st.lists(needs, min_size=1, max_size=12),
    per_host=st.integers(1, 4),
    per_store=st.integers(1, 3),
)
def test_all_come_to_their_end_within_the_limits(
    wanted: list[list[str]], per_host: int, per_store: int
) -> None:
    limits = TurnLimits(per_host=per_host, per_store=per_store)
    queue = [turn(number, *stores) for number, stores in enumerate(wanted)]
    for _ in wanted:
        begun = frozenset(free(queue, limits))
        queue = [
            turn(each.number, *each.stores, taken=each.is_taken or each.number in begun)
            for each in queue
        ]
        at_work = [each for each in queue if each.is_taken]
        assert 0 < len(at_work) <= per_host
        for store in "abc":
            assert sum(store in each.stores for each in at_work) <= per_store
        assert all(in_the_way(each, queue, limits).holders for each in queue if not each.is_taken)
        queue.remove(at_work[-1])

    assert queue == []
