"""By which epoch a host goes on with a machine that was given about before it came."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from holdfast.recovery.epochs import follow
from holdfast.recovery.record import Act, ActKind, RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_asking import OF_BEFORE, require_known
from holdfast.recovery.way_back_errors import HomeKnowsNewer
from holdfast.replication.site_orders import OrderKind, SourceTidings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACT = Act(id="a1", kind=ActKind.PLANNED, who="me", begun_at=NOON)


def folder_of(tmp_path: Path, **fields: object) -> RecordFolder:
    folder = RecordFolder(str(tmp_path), "vm")
    folder.save(msgspec.structs.replace(RecoveryRecord(vm="vm", name="web", act=ACT), **fields))
    return folder


def epoch_of(folder: RecordFolder) -> int:
    record = folder.load()
    assert record is not None
    return record.epoch


def test_a_host_that_never_had_it_goes_on_by_the_epoch_of_its_source(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)

    follow(folder, epoch=3)

    assert epoch_of(folder) == 3


def test_a_host_that_had_it_keeps_its_own(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, epoch=1, runs_at="somebody")

    follow(folder, epoch=3)

    assert epoch_of(folder) == 1


def test_a_source_that_knows_a_greater_epoch_is_not_waited_for(tmp_path: Path) -> None:
    record = folder_of(tmp_path, epoch=1, runs_at="somebody").load()
    told = SourceTidings(epoch=2, doing=OrderKind.CATCH_UP, facts={OF_BEFORE: "2"})

    with pytest.raises(HomeKnowsNewer):
        require_known(told, record)


def test_one_that_obeys_is_not_doubted(tmp_path: Path) -> None:
    record = folder_of(tmp_path, epoch=2, runs_at="somebody").load()

    require_known(SourceTidings(epoch=2, doing=OrderKind.CATCH_UP), record)
