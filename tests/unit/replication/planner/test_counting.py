"""Minutes out of polls: nothing is lost, and nothing is counted that nobody wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.hypervisor.domain_disks import DiskCounters
from holdfast.replication.planner.counting import MinuteCounter, Poll
from holdfast.replication.planner.samples import MINUTE, Minute

NOON = 1_767_268_800.0


def counters(written: int, requests: int = 0) -> DiskCounters:
    return DiskCounters(
        read_bytes=0, read_requests=0, written_bytes=written, write_requests=requests, flushes=0
    )


def poll(seconds: float, *, run: int | None = 1, shift: float = 0, **written: int) -> Poll:
    """So many seconds after noon; `shift` is by how much the wall clock was set since."""
    return Poll(
        at=NOON + seconds + shift,
        monotonic=seconds,
        run=run,
        disks={target: counters(each) for target, each in written.items()},
    )


def minutes(*polls: Poll) -> list[Minute]:
    counter = MinuteCounter()
    found = [minute for each in polls for minute in counter.feed(each)]
    return found + counter.close()


def sums(found: list[Minute]) -> list[tuple[int, float, dict[str, int]]]:
    return [
        (
            round(minute.at - NOON),
            minute.seconds,
            {target: each.bytes for target, each in minute.disks.items()},
        )
        for minute in found
    ]


def test_four_polls_are_a_minute() -> None:
    found = minutes(*(poll(15 * n, vda=100 * n) for n in range(9)))

    assert sums(found) == [(0, 60, {"vda": 400}), (60, 60, {"vda": 400})]


def test_one_poll_says_nothing() -> None:
    assert minutes(poll(0, vda=1000)) == []


def test_what_was_written_over_the_end_of_a_minute_is_divided() -> None:
    found = minutes(poll(50, vda=0), poll(65, vda=150))

    assert sums(found) == [(0, 10, {"vda": 100}), (60, 5, {"vda": 50})]


def test_a_machine_that_was_started_again_counts_from_nothing() -> None:
    found = minutes(poll(0, vda=5000), poll(15, run=2, vda=700))

    assert sums(found) == [(0, 15, {"vda": 700})]


def test_counters_that_fell_in_one_run_begin_anew() -> None:
    found = minutes(poll(0, vda=5000), poll(15, vda=300))

    assert sums(found) == [(0, 15, {"vda": 300})]


def test_a_machine_that_is_off_writes_nothing_and_is_seen() -> None:
    found = minutes(poll(0, run=None), poll(15, run=None))

    assert sums(found) == [(0, 15, {})]


def test_a_disk_that_was_plugged_in_counts_from_then_on() -> None:
    found = minutes(poll(0, vda=100), poll(15, vda=200, vdb=50), poll(30, vda=300, vdb=60))

    assert sums(found) == [(0, 30, {"vda": 200, "vdb": 60})]


@pytest.mark.parametrize("shift", [-3600.0, 3600.0, -90.0])
def test_a_clock_that_is_set_makes_no_bytes(shift: float) -> None:
    found = minutes(poll(0, vda=0), poll(15, vda=100), poll(30, shift=shift, vda=200))

    assert sum(each.bytes for minute in found for each in minute.disks.values()) == 200
    assert sum(minute.seconds for minute in found) == 30


def test_a_long_silence_is_a_gap() -> None:
    found = minutes(poll(0, vda=0), poll(15, vda=100), poll(4000, vda=10**9), poll(4015, vda=10**9))

    assert sums(found) == [(0, 15, {"vda": 100}), (3960, 15, {"vda": 0})]


def test_a_short_silence_is_spread() -> None:
    found = minutes(poll(0, vda=0), poll(120, vda=1200))

    assert sums(found) == [(0, 60, {"vda": 600}), (60, 60, {"vda": 600})]


def test_peak_is_that_of_the_busiest_poll() -> None:
    found = minutes(poll(0, vda=0), poll(15, vda=1500), poll(30, vda=1500), poll(60, vda=1500))

    assert found[0].peak == 100


@given(
    st.lists(st.tuples(st.floats(0.5, 200), st.integers(0, 10**9)), max_size=20), st.floats(0, 60)
)
def test_every_byte_is_in_exactly_one_minute(steps: list[tuple[float, int]], begin: float) -> None:
    polls, at, written = [poll(begin, vda=7)], begin, 7
    for seconds, grown in steps:
        at, written = at + seconds, written + grown
        polls.append(poll(at, vda=written))

    found = minutes(*polls)

    assert sum(each.bytes for minute in found for each in minute.disks.values()) == written - 7
    assert abs(sum(minute.seconds for minute in found) - (at - begin)) < 0.01 * (len(found) + 1)
    assert all(minute.at % MINUTE == 0 and minute.seconds <= MINUTE + 0.01 for minute in found)
