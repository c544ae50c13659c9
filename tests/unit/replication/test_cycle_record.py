from datetime import datetime, timedelta
from pathlib import Path

from holdfast.replication.cycle_record import NAME, CycleRecord, read_cycles
from holdfast.replication.cycles import (
    INTERRUPTED,
    MOST,
    Cycle,
    Outcome,
    last_success,
    log_sizes,
    missed_share,
    throughput,
)
from holdfast.testing.clock import FakeClock

EVERY = timedelta(seconds=30)


def _kept(record: CycleRecord, clock: FakeClock, generation: str) -> datetime:
    due = clock.now()
    record.begin(due)
    record.spooled(due, generation, dirty={"vda": 1000, "vdb": 24}, log_bytes=512)
    record.shipped(generation, wire_bytes=600, seconds=2.0)
    clock.sleep(30)
    return due


def test_a_cycle_is_remembered_from_its_turn_to_its_acknowledgement(tmp_path: Path) -> None:
    clock = FakeClock()
    record = CycleRecord(tmp_path, clock)

    due = _kept(record, clock, "g1")

    (cycle,) = read_cycles(tmp_path)
    assert (cycle.due, cycle.acked, cycle.outcome) == (due, due, Outcome.SHIPPED)
    assert (cycle.dirty_bytes, cycle.log_bytes, cycle.shipped_bytes) == (1024, 512, 600)


def test_what_a_dead_process_left_running_is_called_interrupted(tmp_path: Path) -> None:
    clock = FakeClock()
    CycleRecord(tmp_path, clock).begin(clock.now())

    (cycle,) = CycleRecord(tmp_path, clock).cycles

    assert (cycle.outcome, cycle.code) == (Outcome.FAILED, INTERRUPTED)


def test_a_cycle_that_failed_and_was_tried_again_is_one(tmp_path: Path) -> None:
    clock = FakeClock()
    record = CycleRecord(tmp_path, clock)
    due = clock.now()
    record.begin(due)
    record.fail(due, code="host-lost")

    record.begin(due)
    record.spooled(due, "g1", dirty={"vda": 1}, log_bytes=1)

    (cycle,) = record.cycles
    assert (cycle.outcome, cycle.code) == (Outcome.WAITING, "")


def test_the_record_stays_bounded(tmp_path: Path) -> None:
    clock = FakeClock()
    record = CycleRecord(tmp_path, clock)

    record.miss(clock.now() - n * EVERY for n in range(2 * MOST))

    assert len(read_cycles(tmp_path)) == MOST
    assert (tmp_path / NAME).stat().st_size < 100 * 1024
    assert record.cycles[-1].due == clock.now()


def test_a_file_that_cannot_be_read_is_no_record(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b'[{"due": 3}]')

    assert CycleRecord(tmp_path, FakeClock()).cycles == ()


def test_a_folder_that_is_gone_fails_no_cycle(tmp_path: Path) -> None:
    clock = FakeClock()
    record = CycleRecord(tmp_path / "gone", clock)

    record.begin(clock.now())

    assert len(record.cycles) == 1


def test_a_merged_log_is_a_missed_cycle(tmp_path: Path) -> None:
    clock = FakeClock()
    record = CycleRecord(tmp_path, clock)
    for number in range(4):
        _kept(record, clock, f"g{number}")

    record.merged(["g1"])

    assert missed_share(record.cycles, clock.now(), EVERY) == 0.25


def test_a_cycle_that_needs_longer_than_two_intervals_is_missed() -> None:
    noon = FakeClock().now()
    waiting = Cycle(due=noon, outcome=Outcome.WAITING, generation="g1")
    late = Cycle(due=noon, outcome=Outcome.SHIPPED, generation="g1", acked=noon + 3 * EVERY)

    assert not waiting.is_missed(noon + 2 * EVERY, EVERY)
    assert waiting.is_missed(noon + 3 * EVERY, EVERY)
    assert late.is_missed(noon + 9 * EVERY, EVERY)


def test_an_acknowledgement_may_come_before_the_word_of_who_made_it(tmp_path: Path) -> None:
    clock = FakeClock()
    record = CycleRecord(tmp_path, clock)
    record.begin(clock.now())

    record.shipped("g1", wire_bytes=600, seconds=2.0)
    record.spooled(clock.now(), "g1", dirty={"vda": 1}, log_bytes=512)

    (cycle,) = record.cycles
    assert (cycle.outcome, cycle.shipped_bytes) == (Outcome.SHIPPED, 600)


def test_a_cycle_that_waits_for_a_backup_is_one_and_counts_from_when_it_was_due(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    record = CycleRecord(tmp_path, clock)
    due = clock.now()
    for _time in range(40):
        record.begin(clock.now())
        record.delay(clock.now(), code="vm-operation-running")
        clock.sleep(2)
    record.begin(clock.now())
    record.spooled(clock.now(), "g1", dirty={}, log_bytes=1)

    (cycle,) = record.cycles
    assert (cycle.due, cycle.delayed) == (due, "vm-operation-running")
    assert (cycle.outcome, cycle.generation) == (Outcome.WAITING, "g1")
    assert cycle.is_missed(clock.now(), EVERY)


def test_what_began_and_was_no_cycle_is_none(tmp_path: Path) -> None:
    clock = FakeClock()
    record = CycleRecord(tmp_path, clock)
    record.begin(clock.now())
    clock.sleep(30)

    record.begin(clock.now())

    assert [cycle.due for cycle in record.cycles] == [clock.now()]


def test_too_few_cycles_are_no_share() -> None:
    noon = FakeClock().now()
    missed = [Cycle(due=noon - n * EVERY, outcome=Outcome.MISSED) for n in range(3)]

    assert missed_share(missed, noon, EVERY) == 0.0


def test_sizes_speed_and_success_are_those_of_what_was_shipped(tmp_path: Path) -> None:
    clock = FakeClock()
    record = CycleRecord(tmp_path, clock)
    _kept(record, clock, "g1")
    newest = _kept(record, clock, "g2")
    record.miss([clock.now()])

    assert log_sizes(record.cycles) == (512.0, 512)
    assert throughput(record.cycles) == 300.0
    assert last_success(record.cycles) == newest


def test_cycles_of_a_future_that_cannot_be_are_dropped(tmp_path: Path) -> None:
    clock = FakeClock()
    clock.jump(timedelta(days=30))
    _kept(CycleRecord(tmp_path, clock), clock, "g1")
    clock.jump(timedelta(days=-31))

    record = CycleRecord(tmp_path, clock)

    assert record.cycles == ()
