from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication.spool_guard import SpoolFacts, Spooling, SpoolLimits, judge, look, room

LIMITS = SpoolLimits()
_SIZES = st.integers(0, 1 << 50)
_RANK = {Spooling.FREE: 0, Spooling.WARNED: 1, Spooling.STOPPED: 2}


@pytest.mark.parametrize(
    ("ours", "expected"),
    [(29, Spooling.FREE), (30, Spooling.WARNED), (49, Spooling.WARNED), (50, Spooling.STOPPED)],
)
def test_the_limits_are_shares_of_what_would_be_free(ours: int, expected: Spooling) -> None:
    assert judge(SpoolFacts(ours=ours, free=100 - ours), LIMITS) is expected


def test_a_limit_is_left_again_only_well_below_it() -> None:
    just_below = SpoolFacts(ours=49, free=51)
    well_below = SpoolFacts(ours=44, free=56)

    assert judge(just_below, LIMITS, before=Spooling.STOPPED) is Spooling.STOPPED
    assert judge(well_below, LIMITS, before=Spooling.STOPPED) is Spooling.WARNED
    assert judge(SpoolFacts(ours=29, free=71), LIMITS, before=Spooling.WARNED) is Spooling.WARNED
    assert judge(SpoolFacts(ours=24, free=76), LIMITS, before=Spooling.STOPPED) is Spooling.FREE


def test_a_file_system_without_a_free_byte_stops_it() -> None:
    full = SpoolFacts(ours=0, free=0)

    assert judge(full, LIMITS) is Spooling.STOPPED
    assert room(full, LIMITS) == 0


@given(ours=_SIZES, free=_SIZES)
def test_what_fits_into_the_room_does_not_pass_the_limit(ours: int, free: int) -> None:
    facts = SpoolFacts(ours=ours, free=free)

    left = room(facts, LIMITS)

    assert 0 <= left <= free
    if left:
        assert SpoolFacts(ours=ours + left, free=free - left).share <= LIMITS.act + 1e-9


@given(ours=_SIZES, free=_SIZES, more=_SIZES, before=st.sampled_from(Spooling))
def test_more_of_ours_is_never_judged_better(
    ours: int, free: int, more: int, before: Spooling
) -> None:
    less = judge(SpoolFacts(ours=ours, free=free), LIMITS, before=before)
    more_of_it = judge(
        SpoolFacts(ours=ours + more, free=max(0, free - more)), LIMITS, before=before
    )

    assert _RANK[more_of_it] >= _RANK[less]


def test_limits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="warn <= act"):
        SpoolLimits(warn=0.6, act=0.5)


def test_looking_counts_what_the_logs_take_on_the_disk(tmp_path: Path) -> None:
    empty = look(tmp_path)
    (tmp_path / "000001.log").write_bytes(bytes(1 << 20))

    found = look(tmp_path)

    assert empty.ours == 0
    assert found.ours >= 1 << 20
    assert found.free > 0
