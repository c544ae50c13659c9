from xml.etree import ElementTree as ET

import pytest

from holdfast.hypervisor.backup_xml import BackupPlan, DiskPlan, Mode, backup_xml, read_backup

FULL = DiskPlan(target="vda", export="system", scratch="/scratch/vda")
CHANGED = DiskPlan(
    target="vdb",
    export="data",
    scratch="/scratch/vdb",
    mode=Mode.INCREMENTAL,
    since="holdfast-0123456789abcdef",
)
PLAN = BackupPlan(socket="/run/nbd", disks=(FULL, CHANGED), checkpoint="holdfast-1")


def test_full_and_incremental_disks_stand_in_one_job() -> None:
    root = ET.fromstring(backup_xml(PLAN))

    full, changed = root.iterfind("disks/disk")
    assert root.get("mode") == "pull"
    assert root.find("incremental") is None
    assert full.get("backupmode") == "full"
    assert full.get("incremental") is None
    assert changed.get("backupmode") == "incremental"
    assert changed.get("incremental") == "holdfast-0123456789abcdef"
    assert changed.get("exportbitmap") == "backup-vdb"


def test_other_disks_are_left_out_by_name() -> None:
    root = ET.fromstring(backup_xml(PLAN, others=("sda",)))

    assert [disk.get("name") for disk in root.iterfind("disks/disk[@backup='no']")] == ["sda"]


def test_scratch_is_always_qcow2() -> None:
    root = ET.fromstring(backup_xml(PLAN))

    assert {driver.get("type") for driver in root.iter("driver")} == {"qcow2"}
    assert [scratch.get("file") for scratch in root.iter("scratch")] == [
        "/scratch/vda",
        "/scratch/vdb",
    ]


def test_plan_is_read_back_as_it_was() -> None:
    read = read_backup(backup_xml(PLAN, others=("sda",)))

    assert read.socket == "/run/nbd"
    assert read.disks[0] == FULL
    assert (read.disks[1].since, read.disks[1].mode) == (CHANGED.since, Mode.INCREMENTAL)
    assert read.disks[1].context == CHANGED.context == "qemu:dirty-bitmap:backup-vdb"


def test_plan_of_somebody_else_is_read() -> None:
    plan = read_backup(
        "<domainbackup mode='pull'><incremental>other.1</incremental>"
        "<server transport='tcp' name='localhost' port='10809'/>"
        "<disks><disk name='vda' type='file'><scratch file='/tmp/x'/></disk>"
        "<disk name='vdb' type='file' backupmode='full'/></disks></domainbackup>"
    )

    assert plan.socket == ""
    assert [(disk.target, disk.since, disk.export) for disk in plan.disks] == [
        ("vda", "other.1", "vda"),
        ("vdb", None, "vdb"),
    ]


def test_whole_disk_has_no_map_of_changes() -> None:
    assert FULL.context is None


@pytest.mark.parametrize(("mode", "since"), [(Mode.INCREMENTAL, None), (Mode.FULL, "x")])
def test_plan_that_contradicts_itself_cannot_be_made(mode: Mode, since: str | None) -> None:
    with pytest.raises(ValueError, match="names its checkpoint"):
        DiskPlan(target="vda", export="vda", scratch="/s", mode=mode, since=since)
