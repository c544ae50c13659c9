"""What speaks against starting a machine again that was failed over to here."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from holdfast.recovery.keeping_up import stands_here, why_not
from holdfast.recovery.record import Fence, Promoted, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.resync import Because
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.source_facts import Sent
from holdfast.replication.source_folder import SourceFolder

VM = "0b0e3c4e-0000-4000-8000-000000000001"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = "site-id"
RECORD = RecoveryRecord(
    vm=VM,
    name="web",
    epoch=3,
    runs_at=HERE,
    stage=Stage.COMMITTED,
    promoted=Promoted(
        generation="g", taken_at=NOON, name="web", uuid=VM, folder="/running/a", disks=()
    ),
)


def against(home: Path, sent: Sent | None) -> str:
    """Where it is, or was, replicated from here to another host."""
    source = SourceFolder(str(home), VM)
    source.make()
    to = SiteAddress(site="west", machine="west-id", host="west")
    with source.changing():
        source.keep_settings(ReplicationSettings(vm=VM, name="web", to=to))
    if sent is not None:
        source.keep_sent(sent)
    return why_not(RecordFolder(str(home), VM), RECORD, home=str(home), since=NOON)


def test_one_that_is_followed_from_a_third_host_is_not_started_unasked(tmp_path: Path) -> None:
    """It may have been failed over to there while this host was off."""
    assert against(tmp_path, Sent(site="west")) != ""


@pytest.mark.parametrize("sent", [None, Sent(site="west").must(Because.REPROTECT, NOON)])
def test_a_replication_of_before_it_came_here_is_asked_nothing(
    tmp_path: Path, sent: Sent | None
) -> None:
    assert against(tmp_path, sent) == ""


def test_a_bar_of_before_it_came_here_again_is_none() -> None:
    def barred(epoch: int) -> RecoveryRecord:
        return msgspec.structs.replace(RECORD, fence=Fence(act="a", epoch=epoch, since=NOON))

    assert stands_here(barred(2), HERE)
    assert not stands_here(barred(3), HERE)
