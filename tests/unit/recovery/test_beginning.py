"""An act in the record: begun, gone on with, refused, ended."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from holdfast.recovery.act_errors import ActUnderWay, PointWasChosen
from holdfast.recovery.beginning import Asked, abandon, begin, change_act, current_act, finish
from holdfast.recovery.epochs import give_back, has_given_back, has_taken, take
from holdfast.recovery.policy import Place, Standing
from holdfast.recovery.record import Act, ActKind, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.clock import FakeClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITE = Standing(about="web", place=Place.SITE, has_replica=True)


@pytest.fixture
def folder(tmp_path: Path) -> RecordFolder:
    return RecordFolder(str(tmp_path), "vm")


def asked(kind: ActKind = ActKind.UNPLANNED, **wish: str) -> Asked:
    return Asked(kind=kind, who="ada", wish=dict(wish))


def under_way(act: Act, stage: Stage = Stage.FAILING_OVER) -> Standing:
    return Standing(about="web", place=Place.SITE, stage=stage, under_way=act, has_replica=True)


def known(folder: RecordFolder) -> RecoveryRecord:
    found = folder.load()
    assert found is not None
    return found


def test_an_act_is_in_the_record_when_it_has_begun(folder: RecordFolder) -> None:
    act = begin(folder, asked(point="latest-app"), SITE, FakeClock())

    assert known(folder).act == act
    assert known(folder).stage is Stage.FAILING_OVER
    assert act.wish == {"point": "latest-app"}


def test_where_it_rested_is_kept_for_an_undo(folder: RecordFolder) -> None:
    reverse = Stage.PROTECTED_IN_REVERSE
    home = Standing(about="web", place=Place.SITE, stage=reverse, has_replica=True)

    act = begin(folder, asked(ActKind.FAILBACK), home, FakeClock())
    begin(folder, asked(ActKind.UNDO), under_way(act, Stage.FAILING_BACK), FakeClock())

    assert known(folder).rests is reverse


def test_the_same_command_again_goes_on_with_it(folder: RecordFolder) -> None:
    first = begin(folder, asked(), SITE, FakeClock())
    chosen = change_act(folder, first, generation="g1")

    again = begin(folder, asked(), under_way(chosen), FakeClock())

    assert again == chosen


def test_the_same_command_with_another_point_is_refused(folder: RecordFolder) -> None:
    act = begin(folder, asked(), SITE, FakeClock())

    with pytest.raises(PointWasChosen):
        begin(folder, asked(point="latest-app"), under_way(act), FakeClock())


def test_another_act_is_refused_with_both_ways_out(folder: RecordFolder) -> None:
    act = begin(folder, asked(), SITE, FakeClock())

    with pytest.raises(ActUnderWay) as refused:
        begin(folder, asked(ActKind.PLANNED), under_way(act), FakeClock())

    assert "holdfast failover web --unplanned" in refused.value.advice
    assert "holdfast failover undo web" in refused.value.advice


def test_an_undo_takes_its_place_and_remembers_it(folder: RecordFolder) -> None:
    act = begin(folder, asked(), SITE, FakeClock())

    undo = begin(folder, asked(ActKind.UNDO), under_way(act), FakeClock())

    assert (undo.replaces, known(folder).act) == (ActKind.UNPLANNED, undo)


def test_a_refused_act_leaves_the_record_as_it_was(folder: RecordFolder) -> None:
    act = begin(folder, asked(), SITE, FakeClock())

    abandon(folder, act, FakeClock(), why="recovery-source-may-run")

    assert (known(folder).act, known(folder).stage) == (None, Stage.PROTECTED)
    assert known(folder).events[-1].why == "unplanned: recovery-source-may-run"


def test_what_took_the_place_of_another_is_not_given_up(folder: RecordFolder) -> None:
    act = begin(folder, asked(ActKind.PLANNED), SITE, FakeClock())
    disaster = begin(folder, asked(), under_way(act), FakeClock())

    abandon(folder, disaster, FakeClock(), why="recovery-source-may-run")

    assert known(folder).act == disaster


def test_an_ended_act_is_an_event(folder: RecordFolder) -> None:
    act = begin(folder, asked(), SITE, FakeClock())

    record = finish(folder, act, FakeClock(), figures={"seconds_to_running": 1.5})

    assert (record.act, record.stage) == (None, Stage.FAILED_OVER)
    assert record.events[-1].what == "unplanned"
    assert record.events[-1].figures == {"seconds_to_running": 1.5}


def test_notes_of_steps_leave_what_a_step_has_chosen(folder: RecordFolder) -> None:
    act = begin(folder, asked(), SITE, FakeClock())
    change_act(folder, act, generation="g1")

    folder.keep_notes(act)

    assert current_act(folder, act).generation == "g1"


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_machine_is_taken_once_however_often_the_step_is_done(
    folder: RecordFolder, times: int
) -> None:
    act = begin(folder, asked(), SITE, FakeClock())

    for _time in range(times):
        take(folder, act, machine_id="here")

    record = known(folder)
    assert (record.epoch, record.runs_at) == (1, "here")
    assert has_taken(record, act, machine_id="here")


def test_an_epoch_is_greater_than_what_the_source_lives_by(folder: RecordFolder) -> None:
    act = begin(folder, asked(), SITE, FakeClock())

    assert take(folder, act, machine_id="here", at_least=7).epoch == 8


@pytest.mark.parametrize("times", [1, 3])
def test_a_machine_is_given_back_by_one_epoch(folder: RecordFolder, times: int) -> None:
    taken = take(folder, begin(folder, asked(), SITE, FakeClock()), machine_id="here")
    assert taken.act is not None
    undo = begin(folder, asked(ActKind.UNDO), under_way(taken.act), FakeClock())

    for _time in range(times):
        give_back(folder, undo, source="there")

    record = known(folder)
    assert (record.epoch, record.runs_at, record.stage) == (2, "there", Stage.UNDOING)
    assert has_given_back(record, undo)


def test_two_that_change_the_record_lose_nothing_of_each_other(folder: RecordFolder) -> None:
    begin(folder, asked(), SITE, FakeClock())

    folder.change(_with(name="renamed"))
    folder.change(_with(starts_with_host=True))

    assert (known(folder).name, known(folder).starts_with_host) == ("renamed", True)


def _with(**fields: object) -> Callable[[RecoveryRecord], RecoveryRecord]:
    return lambda record: msgspec.structs.replace(record, **fields)


def test_whoever_takes_the_place_of_an_act_that_asked_the_source_knows_that(
    folder: RecordFolder,
) -> None:
    planned = begin(folder, asked(ActKind.PLANNED), SITE, FakeClock())
    unplanned = begin(folder, asked(), under_way(planned), FakeClock())
    undo = begin(folder, asked(ActKind.UNDO), under_way(unplanned), FakeClock())

    assert not planned.has_asked
    assert unplanned.has_asked
    assert undo.has_asked
