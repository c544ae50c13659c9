"""A report out of profiles: what is needed, what less would mean, and what is honest about it."""

import pytest

from holdfast.base.units import MIB
from holdfast.replication.planner import plan_words as words
from holdfast.replication.planner.machine_facts import DiskFacts, Measure
from holdfast.replication.planner.machine_plan import INTERVALS, Assumed
from holdfast.replication.planner.planning import Measured, Plan, Wish, make_plan
from holdfast.replication.planner.samples import MINUTE
from tests.unit.replication.planner.seen_machines import BEGIN, NOW, facts, profile

DAY = [60.0] * 24 * 60
NO_GROWTH = Assumed(growth=0.0)


def plan_of(*machines: tuple[object, object], **wish: object) -> Plan:
    return make_plan(list(machines), Wish(**{"assumed": NO_GROWTH} | wish))  # type: ignore[arg-type]  # as a report says it


def test_a_steady_machine_needs_what_it_ships() -> None:
    plan = plan_of((facts(), profile(*DAY)))

    for interval in INTERVALS:
        need = plan.need(interval)
        assert need is not None
        assert need.always == pytest.approx(0.5 * MIB)
        assert need.mostly == pytest.approx(0.5 * MIB, rel=0.11)
        assert need.percentile == pytest.approx(0.5 * MIB)
        assert need.gain == pytest.approx(2)
        assert need.shipped_per_day == pytest.approx(24 * 3600 * 0.5 * MIB)


def test_growth_is_in_what_is_needed_and_not_in_what_was_seen() -> None:
    plan = plan_of((facts(), profile(*DAY)), assumed=Assumed(growth=1.0))

    need = plan.need(900)
    assert need is not None
    assert need.always == pytest.approx(1.0 * MIB)
    assert plan.machines[0].written_mean_seen == pytest.approx(1.0 * MIB)


def test_bursts_need_less_the_longer_the_interval_is() -> None:
    bursts = [600.0 if minute % 60 == 0 else 6.0 for minute in range(24 * 60)]

    plan = plan_of((facts(), profile(*bursts)))

    rates = [need.always or 0 for need in plan.needs]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 10 * rates[-1]


def test_machines_add_up() -> None:
    plan = plan_of((facts("web"), profile(*DAY)), (facts("mail"), profile(*DAY)))

    need = plan.need(900)
    assert need is not None
    assert need.always == pytest.approx(1.0 * MIB)
    assert [one.rate_needed for one in plan.machines] == pytest.approx([0.5 * MIB] * 2)


def test_enough_is_in_time_and_half_of_it_never_catches_up() -> None:
    plan = plan_of((facts(), profile(*DAY)))

    enough, half = plan.what_if[0], plan.what_if[2]
    assert all(outcome.met == 1 and not outcome.is_overrun for outcome in enough.outcomes)
    assert all(outcome.is_overrun for outcome in half.outcomes)
    assert enough.achievable is not None
    assert enough.achievable.interval == 30
    assert enough.achievable.worst_age == pytest.approx(60)
    assert half.achievable is None


def test_the_bandwidth_given_is_one_of_the_rates() -> None:
    plan = plan_of((facts(), profile(*DAY)), bandwidth=3.0 * MIB)

    (given,) = [one for one in plan.what_if if one.is_given]
    assert given.rate == 3 * MIB
    assert plan.rate == 3 * MIB
    assert plan.what_if[0] is given


def test_without_one_given_the_last_one_measured_counts() -> None:
    early = Measured(at=NOW[0], site="north", rate=1.0 * MIB)
    late = Measured(at=NOW[1], site="south", rate=2.0 * MIB)

    plan = plan_of((facts(), profile(*DAY)), measured=(late, early))

    assert plan.rate == 2 * MIB
    assert any("south" in note for note in words.notes(plan))


def test_who_cannot_be_replicated_needs_no_link() -> None:
    barred = facts("cluster", extent="not")

    plan = plan_of((facts(), profile(*DAY)), (barred, profile(*[600.0] * 1440)))

    need = plan.need(900)
    assert need is not None
    assert need.always == pytest.approx(0.5 * MIB)
    assert [name for batch in plan.batches for name in batch.names] == ["web"]
    assert any("cluster" in note for note in words.notes(plan))


def test_a_disk_that_is_left_out_ships_nothing() -> None:
    disks = (*facts().disks, DiskFacts(target="sda", size=1, allocated=1, taken="refused"))
    of_both = profile(*DAY, target="sda", windows=False)

    plan = plan_of((facts(disks=disks), of_both))

    need = plan.need(900)
    assert need is not None
    assert need.always == 0


def test_only_written_bytes_of_a_disk_are_told() -> None:
    disks = (
        DiskFacts(target="vda", size=1, allocated=1, measure=Measure.WRITTEN, why="no-bitmaps"),
    )

    plan = plan_of((facts(disks=disks), profile(*DAY, windows=False)))

    assert plan.machines[0].coverage.written == ("vda",)
    assert any("web: vda" in note for note in words.notes(plan))


def test_one_minute_is_a_report_that_does_not_know_long_intervals() -> None:
    plan = plan_of((facts(), profile(60.0)))

    known = {need.interval: need.always is not None for need in plan.needs}
    assert known == {30: True, 300: False, 900: False, 1800: False, 3600: False}
    assert plan.batches[0].seconds is None


def test_a_machine_that_wrote_nothing_needs_nothing() -> None:
    plan = plan_of((facts(), profile(*[0.0] * 120)))

    need = plan.need(900)
    assert need is not None
    assert need.always == 0
    assert plan.what_if == ()
    assert plan.spool == 0


def test_nobody_that_can_be_replicated_is_a_report_too() -> None:
    plan = plan_of((facts(extent="not"), profile(*DAY)))

    assert plan.able == ()
    assert plan.batches == ()
    assert plan.first_minute == BEGIN // MINUTE


def test_a_gap_is_told_and_not_taken_for_quiet() -> None:
    before = profile(*[60.0] * 60)
    after = profile(*[60.0] * 60, begin=BEGIN + 120 * MINUTE)
    both = type(before)(
        minutes={**before.minutes, **after.minutes}, windows=before.windows + after.windows
    )

    plan = plan_of((facts(), both))

    need = plan.need(300)
    assert need is not None
    assert need.mean == pytest.approx(0.5 * MIB)
    assert plan.machines[0].coverage.gaps == 60
    assert any("60 minutes" in note for note in words.notes(plan))


def test_room_grows_with_what_is_written() -> None:
    quiet = plan_of((facts(), profile(*DAY))).machines[0]
    busy = plan_of((facts(), profile(*[600.0] * 1440))).machines[0]

    assert quiet.first_copy == busy.first_copy
    assert quiet.site > quiet.first_copy
    assert busy.site > quiet.site
    assert busy.spool > quiet.spool
    assert busy.scratch > quiet.scratch
