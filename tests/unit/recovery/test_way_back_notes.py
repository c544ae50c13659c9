"""What a host remembers of a way back outlives whatever asks for it."""

from datetime import UTC, datetime
from pathlib import Path

from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.recovery.desk import SPLIT_BRAIN
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder, with_event
from holdfast.recovery.way_back_notes import (
    HomeNote,
    adopted_before,
    adopted_name,
    hold_record,
    home_note,
    keep_adopted,
    keep_home,
    was_split,
)
from holdfast.replication.adoption import Adopted, AdoptedDisk
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.testing.clock import FakeClock

VM = "11111111-2222-3333-4444-555555555555"


def test_backups_leave_the_record_of_what_was_written_since_it_came(tmp_path: Path) -> None:
    clock = FakeClock()
    notes = CheckpointNotes(str(tmp_path), VM, clock)

    hold_record(str(tmp_path), VM, clock, "holdfast-0000000000000001")
    held = notes.of_others("a vault"), notes.of_replicas()
    hold_record(str(tmp_path), VM, clock, "")

    assert held == (frozenset({"holdfast-0000000000000001"}),) * 2
    assert notes.of_others("a vault") == frozenset()


def test_the_same_act_gives_the_disks_the_same_name() -> None:
    names = {adopted_name(VM, act) for act in ("one", "one", "two")}

    assert len(names) == 2


def test_what_was_answered_is_answered_again(tmp_path: Path) -> None:
    folder = RecordFolder(str(tmp_path), VM)
    facts = ReplicaFacts(vm=VM, name="web", source="south", head="holdfast-0000000000000001")
    adopted = Adopted(
        facts=facts, since="since", disks=(AdoptedDisk(target="vda", size=1, why="map-missing"),)
    )

    nothing = adopted_before(folder)
    keep_adopted(folder, adopted)

    assert nothing is None
    assert adopted_before(folder) == adopted


def test_where_it_came_home_is_known_again(tmp_path: Path) -> None:
    folder = RecordFolder(str(tmp_path), VM)
    note = HomeNote(act="act", generation="g", taken_at=datetime(2026, 1, 1, tzinfo=UTC))

    keep_home(folder, note)

    assert home_note(folder) == note


def test_a_split_of_an_epoch_before_is_over() -> None:
    record = RecoveryRecord(vm=VM, name="web", epoch=1)
    split = with_event(record, FakeClock(), SPLIT_BRAIN, figures={"epoch": 1.0})

    assert was_split(split)
    assert not was_split(RecoveryRecord(vm=VM, name="web", epoch=2, events=split.events))
