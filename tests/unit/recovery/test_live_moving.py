"""What of a site is open while a machine moves there, and what the machine becomes."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from holdfast.hypervisor.migrating import read_migration
from holdfast.recovery.live_arrival import arriving
from holdfast.recovery.live_sockets import daemon_socket, doors_of, open_doors, shut_doors, way_of
from holdfast.recovery.promotion import PromotionPlan
from holdfast.recovery.record import Act, ActKind, Promoted, PromotedDisk, RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.link_tunnel import AskTunnel, DoorName

VM = "0c5a1f1e-0000-4000-8000-000000000001"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HYPERVISOR = "qemu+unix:///system?socket=/run/own/libvirt-sock"
MAC = "52:54:00:00:00:01"


@pytest.fixture
def folder(tmp_path: Path) -> RecordFolder:
    folder = RecordFolder(str(tmp_path), VM)
    act = Act(id="a1", kind=ActKind.PLANNED_LIVE, who="root", begun_at=NOW)
    folder.save(RecoveryRecord(vm=VM, name="web", act=act))
    open_doors(folder, "a1", way_of("a1", "t1"), hypervisor=HYPERVISOR)
    return folder


def asked(door: DoorName = DoorName.DISKS, *, vm: str = VM, act: str = "a1") -> AskTunnel:
    return AskTunnel(vm=vm, act=act, door=door)


def test_an_act_under_way_opens_its_three_doors(folder: RecordFolder, tmp_path: Path) -> None:
    doors, way = doors_of(str(tmp_path)), way_of("a1", "t1")

    found = {door: doors("somebody", asked(door)) for door in DoorName}

    assert folder.path.exists()
    assert found == {
        DoorName.LIBVIRT: Path("/run/own/libvirt-sock"),
        DoorName.MEMORY: way.memory,
        DoorName.DISKS: way.disks,
    }


def test_another_act_or_machine_finds_none(folder: RecordFolder, tmp_path: Path) -> None:
    doors = doors_of(str(tmp_path))

    assert folder.path.exists()
    assert doors("somebody", asked(act="a2")) is None
    assert doors("somebody", asked(vm=VM.replace("1", "2"))) is None


def test_doors_that_were_left_open_by_an_act_that_is_over_are_shut(
    folder: RecordFolder, tmp_path: Path
) -> None:
    folder.change(lambda record: msgspec.structs.replace(record, act=None))

    assert doors_of(str(tmp_path))("somebody", asked()) is None


@pytest.mark.parametrize("kind", [ActKind.PLANNED, ActKind.UNPLANNED, ActKind.TEST])
def test_no_other_kind_of_act_opens_any(
    folder: RecordFolder, tmp_path: Path, kind: ActKind
) -> None:
    act = Act(id="a1", kind=kind, who="root", begun_at=NOW)
    folder.change(lambda record: msgspec.structs.replace(record, act=act))

    assert doors_of(str(tmp_path))("somebody", asked()) is None


def test_shut_doors_stay_shut_though_the_act_goes_on(folder: RecordFolder, tmp_path: Path) -> None:
    shut_doors(folder)

    assert doors_of(str(tmp_path))("somebody", asked()) is None


def test_each_try_has_sockets_of_its_own_that_are_short_enough() -> None:
    first, second = way_of("a1", "t1"), way_of("a1", "t2")

    assert first == way_of("a1", "t1")
    assert first.memory != second.memory
    assert len(str(first.memory)) < 108
    assert "a1" not in str(first.memory)


def test_a_uri_without_a_socket_means_the_usual_one() -> None:
    found = daemon_socket("qemu:///system")

    assert str(found).startswith("/run/libvirt/")


RUNNING = f"""
<domain type='kvm' id='7'>
  <name>web</name><uuid>{VM}</uuid>
  <genid>0c5a1f1e-0000-4000-8000-00000000000f</genid>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='/home/vda.holdfast-1'/>
      <backingStore type='file'><source file='/home/vda'/></backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='{MAC}'/><source network='prod'/><model type='virtio'/><mtu size='9000'/>
    </interface>
  </devices>
</domain>
"""


def plan(card: str) -> PromotionPlan:
    promoted = Promoted(
        generation="holdfast-0123456789abcdef",
        taken_at=NOW,
        name="web",
        uuid=VM,
        folder="/site/running/a1",
        disks=(PromotedDisk(target="vda", path="/site/running/a1/vda.qcow2", below="/site/l"),),
    )
    described = f"<domain><name>web</name><devices>{card}</devices></domain>"
    return PromotionPlan(vm=VM, promoted=promoted, description=described, lines=(), sizes={})


def test_what_the_guest_sees_stays_and_what_it_is_connected_to_is_that_of_the_site() -> None:
    card = f"<interface type='bridge'><mac address='{MAC}'/><source bridge='br7'/></interface>"

    found = arriving(RUNNING, plan(card))

    assert "/site/running/a1/vda.qcow2" in found
    assert "/home/" not in found
    assert "prod" not in found
    assert 'bridge="br7"' in found
    assert 'size="9000"' in found
    assert "00000000000f" in found
    assert "0c5a1f1e" in found


def test_a_card_the_site_has_no_network_for_is_unplugged() -> None:
    card = f"<interface type='user'><mac address='{MAC}'/><link state='down'/></interface>"

    found = arriving(RUNNING, plan(card))

    assert 'type="user"' in found
    assert 'state="down"' in found
    assert "prod" not in found


def test_figures_that_libvirt_does_not_tell_are_none() -> None:
    found = read_migration({"memory_processed": 5, "downtime": 7})

    assert (found.memory_bytes, found.downtime_ms, found.disk_bytes) == (5, 7, 0)
