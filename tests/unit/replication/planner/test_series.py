"""Figures out of profiles: gaps stay gaps, and what is written twice is shipped once."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication.planner.samples import MINUTE, Dirty, Line, Minute, Window, Written
from holdfast.replication.planner.series import (
    Coalescing,
    Profile,
    Total,
    read_profile,
    shipped_by_minute,
    stretches,
    without_disks,
    written_by_minute,
)

MIB = 1 << 20
# A full hour.
BEGIN = 1_767_268_800


def minute(number: int, written: int, *, seconds: float = 60, target: str = "vda") -> Minute:
    return Minute(
        at=BEGIN + number * MINUTE, seconds=seconds, disks={target: Written(bytes=written)}
    )


def window(number: int, age: int, *, unique: int, written: int, target: str = "vda") -> Window:
    disks = {target: Dirty(unique=unique, written=written)}
    return Window(at=BEGIN + number * MINUTE, seconds=age, age=age, disks=disks)


def profile(*lines: Line) -> Profile:
    return read_profile(lines, begin=0, end=float("inf"))


def shifted(found: Mapping[int, float]) -> dict[int, float]:
    return {number - BEGIN // MINUTE: size for number, size in found.items()}


def test_parts_of_a_minute_are_added() -> None:
    found = profile(minute(0, 100, seconds=20), minute(0, 50, seconds=40))

    assert shifted(written_by_minute(found)) == {0: 150}


def test_a_minute_that_was_lived_twice_counts_once() -> None:
    found = profile(minute(0, 100), minute(0, 300))

    assert shifted(written_by_minute(found)) == {0: 300}


def test_half_a_minute_is_taken_for_a_whole_one() -> None:
    found = profile(minute(0, 100, seconds=30))

    assert shifted(written_by_minute(found)) == {0: 200}


def test_a_moment_is_no_minute() -> None:
    assert profile(minute(0, 100, seconds=1)).is_empty


def test_only_the_time_asked_for_is_read() -> None:
    lines = [minute(0, 1), minute(1, 2), minute(2, 3)]

    found = read_profile(lines, begin=BEGIN + MINUTE, end=BEGIN + 2 * MINUTE)

    assert shifted(written_by_minute(found)) == {1: 2}


def test_unique_changes_are_what_is_shipped() -> None:
    found = profile(
        minute(0, 8 * MIB), window(0, 30, unique=2 * MIB, written=8 * MIB),
        window(0, 900, unique=MIB, written=8 * MIB),
    )  # fmt: skip

    assert shifted(shipped_by_minute(found, 30)) == {0: 2 * MIB}
    assert shifted(shipped_by_minute(found, 3600)) == {0: MIB}


def test_a_disk_that_was_not_measured_ships_what_is_written() -> None:
    found = profile(minute(0, 8 * MIB, target="raw"), window(0, 900, unique=MIB, written=8 * MIB))

    assert shifted(shipped_by_minute(found, 900)) == {0: 8 * MIB}


def test_small_writes_to_many_places_ship_more_than_is_written() -> None:
    found = profile(minute(0, MIB), window(0, 300, unique=16 * MIB, written=MIB))

    assert shifted(shipped_by_minute(found, 300)) == {0: 16 * MIB}


def test_the_ratio_of_the_time_around_counts() -> None:
    quiet = window(0, 900, unique=MIB, written=10 * MIB)
    busy = window(600, 900, unique=9 * MIB, written=10 * MIB)
    coalescing = Coalescing([quiet, busy])

    assert coalescing.ratio("vda", 900, BEGIN + MINUTE) == pytest.approx(0.1)
    assert coalescing.ratio("vda", 900, BEGIN + 601 * MINUTE) == pytest.approx(0.9)
    assert coalescing.ratio("vda", 900, BEGIN + 300 * MINUTE) == pytest.approx(0.5)


def test_a_window_in_which_hardly_anything_was_written_says_nothing_alone() -> None:
    coalescing = Coalescing([window(0, 30, unique=65536, written=512)])

    assert coalescing.ratio("vda", 30, BEGIN) == pytest.approx(128)


def test_intervals_are_sums_and_gaps_part_them() -> None:
    found = dict.fromkeys((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 24), 10.0)

    assert stretches(found, 300) == ((50.0, 50.0), (50.0,))


def test_half_an_interval_is_taken_for_a_whole_one_and_less_is_not() -> None:
    assert stretches({0: 10.0, 1: 10.0, 2: 10.0}, 300) == ((50.0,),)
    assert stretches({0: 10.0, 1: 10.0}, 300) == ()


def test_intervals_within_a_minute_share_it() -> None:
    assert stretches({0: 10.0, 1: 20.0}, 30) == ((5.0, 5.0, 10.0, 10.0),)


def test_one_sample_is_a_series() -> None:
    assert stretches({7: 10.0}, 60) == ((10.0,),)


def test_nothing_seen_is_no_series() -> None:
    assert stretches({}, 300) == ()
    assert stretches({}, 30) == ()


def test_a_machine_that_was_not_looked_at_has_its_mean() -> None:
    total = Total()

    total.add({0: 10.0, 1: 30.0})
    total.add({1: 5.0})

    assert total.series() == {0: 15.0, 1: 35.0}
    assert total.made_up == pytest.approx(0.25)


def test_nothing_adds_up_to_nothing() -> None:
    total = Total()

    total.add({})

    assert total.series() == {}
    assert total.made_up == 0


@given(st.lists(st.dictionaries(st.integers(0, 9), st.integers(0, 10**12)), max_size=4))
def test_machines_add_up_minute_by_minute(machines: list[dict[int, int]]) -> None:
    total = Total()
    for one in machines:
        total.add(one)

    found = total.series()

    seen = [one for one in machines if one]
    for number in {number for one in seen for number in one}:
        expected = sum(one.get(number, sum(one.values()) / len(one)) for one in seen)
        assert found[number] == pytest.approx(expected, abs=0.01)


def test_disks_can_be_left_out() -> None:
    found = without_disks(profile(minute(0, 100, target="cd"), minute(1, 50)), {"cd"})

    assert shifted(written_by_minute(found)) == {0: 0, 1: 50}
