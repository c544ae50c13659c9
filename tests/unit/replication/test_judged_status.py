import threading
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from holdfast.hypervisor.errors import VmMissing
from holdfast.replication import health_texts
from holdfast.replication.judged_status import MOST_HAPPENINGS, as_of, is_silent, status_of
from holdfast.replication.retrying import NO_FAILURE, after_failure
from holdfast.replication.settings import Paused
from holdfast.replication.states import Standing
from holdfast.replication.status import Happening, Health, ReplicationStatus, State
from holdfast.replication.status_file import (
    NAME,
    ReplicationStatusNewer,
    encode,
    read_status,
    write_status,
)
from tests.unit.replication.observing import NOON, settings, well

MIN = timedelta(minutes=1)


def test_a_status_says_what_was_seen_and_what_follows_from_it() -> None:
    status = status_of(well(queue_logs=2, queue_bytes=4096), NOON)

    assert (status.state, status.health) == (State.REPLICATING, Health.NORMAL)
    assert (status.cycles, status.missed, status.queue_logs) == (12, 0, 2)
    assert status.rpo_seconds == 300.0
    assert status.last_success_at == NOON - 5 * MIN + timedelta(seconds=2)
    assert (status.mean_log_bytes, status.greatest_log_bytes) == (float(1 << 20), 1 << 20)
    assert status.churn[0].target == "vda"
    assert status.achievable_rpo_seconds == pytest.approx(301, abs=1)
    assert status.throughput == pytest.approx(10 * (1 << 20))


def test_an_error_and_a_pause_are_told_with_who_and_when() -> None:
    who = settings(paused=Paused(who="ada", since=NOON))
    tries = after_failure(NO_FAILURE, VmMissing(about="web"), NOON)

    status = status_of(well(settings=who, standing=Standing(state=State.PAUSED), tries=tries), NOON)

    assert status.paused == who.paused
    assert (status.error_code, status.failures, status.next_try_at) == ("vm-missing", 1, None)
    assert "web" in status.error


def test_what_happened_is_kept_newest_last_and_bounded() -> None:
    old = [Happening(what="resync", at=NOON, why=str(number)) for number in range(MOST_HAPPENINGS)]
    before = status_of(well(), NOON, happened=old)

    after = status_of(
        well(), NOON, before=before, happened=[Happening(what="merged", at=NOON, why="queue")]
    )

    assert len(after.happenings) == MOST_HAPPENINGS
    assert after.happenings[-1].what == "merged"
    assert after.happenings[0].why == "1"


def test_the_last_success_outlives_the_record_of_cycles() -> None:
    before = status_of(well(), NOON)

    after = status_of(well(cycles=()), NOON, before=before)

    assert after.last_success_at == before.last_success_at


def test_a_status_that_is_read_is_the_one_that_was_written(tmp_path: Path) -> None:
    status = status_of(well(spool=well().spool), NOON)

    write_status(tmp_path, status)

    assert read_status(tmp_path) == status
    # The other is room for when there is none.
    assert {each.name for each in tmp_path.iterdir()} == {NAME, ".room"}


def test_one_that_is_not_there_or_torn_is_none(tmp_path: Path) -> None:
    assert read_status(tmp_path) is None

    (tmp_path / NAME).write_bytes(encode(status_of(well(), NOON))[:40])

    assert read_status(tmp_path) is None


def test_one_of_a_newer_release_is_not_guessed_at(tmp_path: Path) -> None:
    newer = msgspec.structs.replace(status_of(well(), NOON), version=99)
    (tmp_path / NAME).write_bytes(encode(newer))

    with pytest.raises(ReplicationStatusNewer) as refused:
        read_status(tmp_path)

    assert "99" in str(refused.value)


def test_whoever_reads_while_it_is_written_reads_a_whole_one(tmp_path: Path) -> None:
    statuses = [status_of(well(queue_logs=number), NOON) for number in range(50)]
    write_status(tmp_path, statuses[0])
    found: list[ReplicationStatus | None] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            found.append(read_status(tmp_path))

    reader = threading.Thread(target=read)
    reader.start()
    for status in statuses:
        write_status(tmp_path, status)
    is_over.set()
    reader.join()

    assert all(each in statuses for each in found)


def test_a_folder_that_is_gone_fails_nothing(tmp_path: Path) -> None:
    write_status(tmp_path / "gone", status_of(well(), NOON))

    assert list(tmp_path.iterdir()) == []


def test_an_old_status_says_that_nobody_is_at_work() -> None:
    status = status_of(well(), NOON)

    read = as_of(status, NOON + 10 * MIN, every=300)

    assert read.health is Health.CRITICAL
    assert [each.code for each in read.reasons] == ["nobody-at-work", "rpo-high"]
    assert read.rpo_seconds == 900.0
    assert is_silent(status, NOON + 10 * MIN)


def test_a_status_of_the_future_is_not_taken_for_a_fresh_one() -> None:
    """Its process died, and then the clock was set back: nobody would notice for an hour."""
    status = status_of(well(), NOON)

    read = as_of(status, NOON - 60 * MIN, every=300)

    assert read.health is Health.CRITICAL
    assert [each.code for each in read.reasons] == ["status-of-future"]
    assert "1 h ahead" in health_texts.sentence(read.reasons[0])
    assert read.rpo_seconds == 300.0
    assert is_silent(status, NOON - 2 * MIN)
    assert not is_silent(status, NOON - timedelta(seconds=10))


def test_what_was_known_of_its_age_grows_though_the_point_seems_to_be_of_now() -> None:
    status = status_of(well(latest_at=NOON + 60 * MIN, least_behind=700.0), NOON)

    read = as_of(status, NOON + timedelta(seconds=30), every=300)

    assert status.rpo_seconds == 700.0
    assert read.rpo_seconds == 730.0


def test_a_fresh_status_stays_what_it_is() -> None:
    status = status_of(well(), NOON)

    assert as_of(status, NOON + timedelta(seconds=5), every=300).health is Health.NORMAL


def test_time_makes_a_reason_graver_and_not_a_second_one() -> None:
    status = status_of(well(latest_at=NOON - 44 * MIN), NOON)

    read = as_of(status, NOON + 50 * timedelta(seconds=1) + MIN, every=300)

    codes = [each.code for each in read.reasons]
    assert codes.count("rpo-high") == 1
    assert status.reasons[0].health is Health.WARNING
    assert next(each for each in read.reasons if each.code == "rpo-high").since == NOON


def test_what_is_switched_off_needs_nobody() -> None:
    status = status_of(well(standing=Standing(state=State.OFF)), NOON)

    assert as_of(status, NOON + 600 * MIN, every=300).health is Health.NORMAL


def test_sentences_show_figures_as_people_read_them() -> None:
    seen = well(latest_at=NOON - 46 * MIN, queue_bytes=8 << 20, throughput=1e6)

    said = {each.code: health_texts.sentence(each) for each in status_of(seen, NOON).reasons}

    assert said["rpo-high"] == "A failover now would lose 46 min of work"
    assert said["upload-slow"] == "8.00 MiB wait, and the link carries only 977 KiB a second"


def test_a_remedy_can_be_typed_whatever_the_machine_is_called() -> None:
    status = status_of(well(standing=Standing(state=State.PAUSED)), NOON)

    assert (
        health_texts.remedy(status.reasons[0], vm="my web", site="north")
        == "`holdfast replication resume 'my web'`"
    )


def test_a_reason_of_a_newer_release_is_told_by_its_code() -> None:
    reason = status_of(well(standing=Standing(state=State.PAUSED)), NOON).reasons[0]
    unknown = msgspec.structs.replace(reason, code="moon-in-the-way")

    assert health_texts.sentence(unknown) == "moon-in-the-way"
    assert health_texts.remedy(unknown, vm="web", site="north") == ""
