"""What a machine becomes when it is booted from a point."""

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from holdfast.hypervisor.domain_xml import read_domain
from holdfast.machines.boot_plan import description_of, without_backing
from holdfast.machines.boot_records import Boot

EVERYTHING = (
    Path(__file__).parents[1].joinpath("hypervisor", "domains", "everything.xml").read_text()
)
TARGETS = ("vda",)


@pytest.fixture
def boot() -> Boot:
    return Boot(
        uuid="11111111-2222-4333-8444-555555555555",
        name="books-2",
        host="qemu:///system",
        vault="/srv/vault",
        point="ab" * 32,
        folder="/images/books-2",
        targets=TARGETS,
        made_at=datetime(2026, 5, 1, tzinfo=UTC),
    )


def test_machine_is_another_than_the_original(boot: Boot) -> None:
    before = read_domain(EVERYTHING)

    spec = read_domain(description_of(EVERYTHING, boot, is_isolated=False))

    assert (spec.name, spec.uuid) == (boot.name, boot.uuid)
    assert spec.generation_id not in (None, before.generation_id)
    assert {nic.mac for nic in spec.nics}.isdisjoint({nic.mac for nic in before.nics})
    assert len(spec.nics) == len(before.nics) > 0


def test_disks_are_its_own_and_read_the_rest_from_the_vault(boot: Boot) -> None:
    xml = description_of(EVERYTHING, boot, is_isolated=False)

    disk = read_domain(xml).disk("vda")
    assert disk is not None
    assert (disk.source, disk.format, disk.backing_depth) == (
        "/images/books-2/vda.qcow2",
        "qcow2",
        1,
    )
    assert disk.error_policy == "stop"
    sockets = [host.get("socket") for host in ET.fromstring(xml).iterfind(".//backingStore//host")]
    assert sockets == ["/images/books-2/vault.sock"]


def test_disk_that_the_point_has_not_is_left_out(boot: Boot) -> None:
    before = read_domain(EVERYTHING)

    spec = read_domain(description_of(EVERYTHING, boot, is_isolated=False))

    assert len(before.data_disks) > 1
    assert [disk.target for disk in spec.disks if disk.device in ("disk", "lun")] == ["vda"]


def test_isolated_machine_has_no_way_out(boot: Boot) -> None:
    spec = read_domain(description_of(EVERYTHING, boot, is_isolated=True))

    assert (spec.nics, spec.host_devices, spec.shared_folders) == ((), (), ())


def test_machine_that_was_moved_off_knows_nothing_of_the_vault(boot: Boot) -> None:
    booted = description_of(EVERYTHING, boot, is_isolated=False)

    xml = without_backing(booted, boot)

    assert "vault.sock" not in xml
    assert read_domain(xml).uuid == boot.uuid


def test_machine_gets_nothing_of_the_host_its_description_names(boot: Boot) -> None:
    xml = description_of(EVERYTHING, boot, is_isolated=False)

    spec = read_domain(xml)
    assert spec.shared_folders == ()
    assert [disk.source for disk in spec.disks if disk.target != "vda"] == [None, None, None]
    assert "commandline" not in xml
