"""What a host tells its server of recoveries: what is there, and in short."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from holdfast.app.plan_folder import PlanFolder
from holdfast.app.recovery_told import recovery_here, was_any
from holdfast.recovery.drills.drill import Drill, DrillRun
from holdfast.recovery.drills.drill_folder import DrillFolder
from holdfast.recovery.networks import KeptPlace, NetworkMap, save_networks
from holdfast.recovery.record import Event, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.trial import Trial, TrialState, TrialWish
from holdfast.recovery.trial_folder import TrialFolder

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _trial(**more: object) -> Trial:
    fields: dict[str, object] = {
        "id": "t1",
        "vm": "uuid-1",
        "name": "web",
        "trial_name": "web-test-1",
        "who": "ada",
        "begun_at": NOW,
        "wish": TrialWish(),
    }
    return Trial(**{**fields, **more})  # type: ignore[arg-type]


def test_a_host_that_never_had_to_do_with_any_has_nothing_to_tell(tmp_path: Path) -> None:
    assert not was_any(str(tmp_path))


def test_a_record_is_told_as_it_is_but_for_what_was_long_ago(tmp_path: Path) -> None:
    events = tuple(Event(what=f"event {number}", at=NOW) for number in range(100))
    record = RecoveryRecord(vm="uuid-1", name="web", epoch=3, stage=Stage.COMMITTED, events=events)
    RecordFolder(str(tmp_path), "uuid-1").save(record)

    (told,) = recovery_here(str(tmp_path), NOW).records

    again = msgspec.convert(told.record, RecoveryRecord)
    assert (again.epoch, again.stage) == (3, Stage.COMMITTED)
    assert [event.what for event in again.events] == [f"event {one}" for one in range(80, 100)]
    assert was_any(str(tmp_path))


def test_a_record_that_does_not_read_hides_no_other(tmp_path: Path) -> None:
    for vm in ("uuid-1", "uuid-2"):
        RecordFolder(str(tmp_path), vm).save(RecoveryRecord(vm=vm, name=vm))
    (tmp_path / "recovery" / "uuid-1" / "record.json").write_text("{")

    assert [one.vm for one in recovery_here(str(tmp_path), NOW).records] == ["uuid-2"]


def test_only_what_is_left_of_tests_is_told(tmp_path: Path) -> None:
    folder = TrialFolder(str(tmp_path), "uuid-1")
    folder.save(_trial(expires_at=NOW + timedelta(hours=2), left="in use"))
    folder.save(_trial(id="t2", cleaned_at=NOW))

    (told,) = recovery_here(str(tmp_path), NOW).trials

    assert (told.name, told.ends_at, told.trouble) == (
        "web-test-1",
        NOW + timedelta(hours=2),
        "in use",
    )


def test_a_drill_is_told_with_how_its_last_run_went_and_when_it_is_due(tmp_path: Path) -> None:
    folder = DrillFolder(str(tmp_path), "uuid-1")
    set_at = NOW - timedelta(days=3)
    folder.save(Drill(vm="uuid-1", name="web", schedule="daily 03:00", set_at=set_at))
    done = _trial(state=TrialState.SUCCESS, cleaned_at=NOW)
    folder.save_run(DrillRun(trial=done))

    (told,) = recovery_here(str(tmp_path), NOW).drills

    assert (told.name, told.is_passed, told.at) == ("web", True, NOW)
    assert told.due_at is not None
    assert told.due_at < NOW, "it is late"


def test_plans_and_networks_go_with_it(tmp_path: Path) -> None:
    PlanFolder(str(tmp_path), "shop").put(b"name: shop\n")
    save_networks(str(tmp_path), NetworkMap(networks={"lan": KeptPlace(name="dr")}))

    told = recovery_here(str(tmp_path), NOW)

    assert [(one.name, one.text) for one in told.plans] == [("shop", "name: shop\n")]
    assert told.networks["networks"]["lan"]["name"] == "dr"
