"""What is left when an act is done."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from holdfast.app.recovery_acting import Acting
from holdfast.recovery.record import Act, ActKind, Promoted, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.up_note import up_note
from holdfast.testing.clock import FakeClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
VM = "0e5b0f2c-6f5e-4b7e-9d0a-3f1d5c3f9a10"
HERE = "host-2"


@pytest.mark.parametrize(("kind", "is_noted"), [(ActKind.UNPLANNED, True), (ActKind.COMMIT, False)])
def test_a_machine_that_was_started_here_starts_again_if_the_power_goes_at_once(
    tmp_path: Path, kind: ActKind, *, is_noted: bool
) -> None:
    """Whoever keeps machines up looks every few seconds; a commit starts nothing."""
    folder = RecordFolder(str(tmp_path), VM)
    act = Act(id="one", kind=kind, who="ada", begun_at=NOON)
    promoted = Promoted(
        generation="g", taken_at=NOON, name="web", uuid=VM, folder="/running", disks=()
    )
    record = RecoveryRecord(
        vm=VM,
        name="web",
        epoch=1,
        runs_at=HERE,
        stage=Stage.FAILING_OVER,
        promoted=promoted,
    )
    folder.change(lambda now: msgspec.structs.replace(now, act=act), first=record)
    here: Any = SimpleNamespace(folder=folder, clock=FakeClock(), machine_id=HERE)

    Acting(here=here, act=act, on_step=lambda _note: None).finish()

    note = up_note(folder.path)
    assert (note is not None and note.is_to_start("another boot")) is is_noted
