"""What the doctor is told of recovery, and that it finds what is wrong in it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.config import Settings
from holdfast.app.own_probes import tell
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.doctor.artefacts import from_text
from holdfast.doctor.diagnosis import Report, diagnose
from holdfast.doctor.loading import load
from holdfast.doctor.reading import Reading
from holdfast.recovery.desk import SPLIT_BRAIN
from holdfast.recovery.record import (
    Act,
    ActKind,
    Event,
    Fence,
    Promoted,
    RecoveryRecord,
    Stage,
    StepNote,
    StepState,
)
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.clock import FakeClock
from tests.unit.replication.observing import NOON

VM = "6f0f3c0e-1111-4222-8333-444455556666"
HOUR = timedelta(hours=1)
PROMOTED = Promoted(
    generation="holdfast-0000000000000001",
    taken_at=NOON,
    name="web",
    uuid=VM,
    folder="/srv/replicas/running",
    disks=(),
)


def _session(home: Path) -> Session:
    return Session(settings=Settings(home=str(home)), warn=print, clock=FakeClock(NOON))


def _put(home: Path, **fields: Any) -> None:
    RecordFolder(str(home), VM).save(RecoveryRecord(vm=VM, name="web", epoch=1, **fields))


def _told(home: Path) -> list[dict[str, Any]]:
    told = tell("own.recovery", _session(home))
    return [json.loads(line) for line in told.splitlines()] if told else []


def _found(home: Path) -> list[str]:
    return [one.cause for one in _examined(home).found]


def _examined(home: Path) -> Report:
    reading = Reading(load(), now=NOON.replace(tzinfo=None))
    reading.read(
        from_text(probe, content, probe=probe)
        for probe in ("own.recovery", "own.jobs")
        if (content := tell(probe, _session(home)))
    )
    return diagnose(load(), reading)


def _act(error: str = "", said: str = "") -> Act:
    step = StepNote(
        name="memory", state=StepState.FAILED, began_at=NOON, ended_at=NOON, said=said, error=error
    )
    return Act(
        id="a1", kind=ActKind.PLANNED, who="me", begun_at=NOON, steps=(step,) if error else ()
    )


def test_a_host_without_recovery_tells_nothing(tmp_path: Path) -> None:
    assert _told(tmp_path) == []


def test_a_machine_that_is_well_has_no_cause(tmp_path: Path) -> None:
    _put(tmp_path)

    assert _told(tmp_path)[0]["stage"] == "protected"
    assert _found(tmp_path) == []


def test_a_machine_that_runs_twice_is_the_first_thing_said(tmp_path: Path) -> None:
    both = Event(what=SPLIT_BRAIN, at=NOON, figures={"epoch": 1.0})
    _put(tmp_path, stage=Stage.FAILED_OVER, promoted=PROMOTED, runs_at="here", events=(both,))

    report = _examined(tmp_path)

    assert report.root is not None
    assert report.root.cause == "recovery.split-brain"


def test_a_split_of_an_epoch_that_is_over_is_history(tmp_path: Path) -> None:
    both = Event(what=SPLIT_BRAIN, at=NOON, figures={"epoch": 0.0})
    _put(tmp_path, events=(both,))

    assert _found(tmp_path) == []


def test_what_was_begun_and_is_not_at_work_is_said_with_its_step(tmp_path: Path) -> None:
    _put(tmp_path, stage=Stage.FAILING_OVER, act=_act("failover-memory-short", "2 GiB are free"))

    (line,) = _told(tmp_path)
    report = _examined(tmp_path)

    assert (line["act"], line["step"], line["is_at_work"]) == ("planned", "memory", False)
    assert {"recovery.act-stopped", "recovery.memory-short"} <= {
        one.cause for one in (*report.found, *report.explained)
    }


@pytest.mark.parametrize(
    ("stage", "hours", "cause"),
    [
        (Stage.FAILED_OVER, 80, "recovery.uncommitted"),
        (Stage.COMMITTED, 30, "recovery.unprotected"),
    ],
)
def test_what_waits_for_a_person_for_days_is_said(
    stage: Stage, hours: int, cause: str, tmp_path: Path
) -> None:
    then = Event(what=stage.value, at=NOON - hours * HOUR)
    _put(tmp_path, stage=stage, promoted=PROMOTED, events=(then,))

    assert cause in _found(tmp_path)


@pytest.mark.parametrize("stage", [Stage.FAILED_OVER, Stage.COMMITTED])
def test_what_was_done_just_now_is_nobodys_fault(stage: Stage, tmp_path: Path) -> None:
    _put(tmp_path, stage=stage, promoted=PROMOTED, events=(Event(what="x", at=NOON - HOUR),))

    assert _found(tmp_path) == []


def test_a_home_that_has_not_heard_that_it_has_the_machine_again_is_named(tmp_path: Path) -> None:
    _put(tmp_path, stage=Stage.UNDOING)

    assert "recovery.not-heard" in _found(tmp_path)


def test_a_fenced_home_is_well(tmp_path: Path) -> None:
    _put(tmp_path, runs_at="there", fence=Fence(act="a1", epoch=1, since=NOON))

    (line,) = _told(tmp_path)

    assert line["is_fenced"]
    assert _found(tmp_path) == []


def test_a_record_that_does_not_read_is_told_and_stops_nothing(tmp_path: Path) -> None:
    folder = RecordFolder(str(tmp_path), VM)
    _put(tmp_path)
    (folder.path / "record.json").write_bytes(b"{")

    (line,) = _told(tmp_path)

    assert line["error"] == "recovery-record-unreadable"


def test_every_code_of_an_error_a_cause_names_exists() -> None:
    from holdfast.doctor.checks import recovery
    from holdfast.recovery import act_errors, promotion_errors, source_errors, way_back_errors

    assert all((act_errors, promotion_errors, source_errors, way_back_errors))
    known = set(HoldfastError.registry)

    named = {code for codes in recovery.CODES.values() for code in codes}
    assert named
    assert named <= known


def test_each_code_of_an_error_leads_to_its_cause(tmp_path: Path) -> None:
    from holdfast.doctor.checks import recovery

    missed = {}
    for cause, codes in recovery.CODES.items():
        for code in codes:
            _put(tmp_path, stage=Stage.FAILING_OVER, act=_act(code, "because"))
            report = _examined(tmp_path)
            seen = {one.cause for one in (*report.found, *report.explained)}
            if cause not in seen:
                missed[code] = seen

    assert missed == {}
