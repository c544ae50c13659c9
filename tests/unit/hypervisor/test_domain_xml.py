from pathlib import Path

import pytest

from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.errors import VmDescriptionBroken
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec

DOMAINS = Path(__file__).parent / "domains"
DEEP = "<a>" * 100_000 + "</a>" * 100_000
DEVICE = "<devices><hostdev><source><address slot='zz'/></source></hostdev></devices>"
UUID = "6f2d1c9e-7d0b-4b7e-9a43-0d5b6b1a2f10"


def read(name: str) -> DomainSpec:
    return read_domain((DOMAINS / f"{name}.xml").read_text())


def disk(name: str, target: str) -> DiskSpec:
    found = read(name).disk(target)
    assert found is not None
    return found


def test_what_a_machine_is_made_of_is_read() -> None:
    spec = read("everything")

    assert (spec.name, spec.kind) == ("books", "kvm")
    assert spec.uuid == "6f2d1c9e-7d0b-4b7e-9a43-0d5b6b1a2f10"
    assert spec.title == "Bookkeeping & archive"
    assert spec.generation_id == "b1a0c1de-88f1-4a54-9a0e-52f5f3b8ac11"
    assert (spec.memory_bytes, spec.vcpus) == (8 << 30, 4)
    assert (spec.arch, spec.machine) == ("x86_64", "pc-q35-8.2")
    assert spec.cpu_mode == "host-passthrough"
    assert spec.shared_folders == ("/srv/shared-folder",)


def test_memory_without_a_unit_is_kibibytes() -> None:
    assert read("running").memory_bytes == 128 << 20


def test_memory_in_decimal_units_is_read() -> None:
    assert read("small").memory_bytes == 512 * 1000**2


def test_data_disks_are_those_a_backup_is_about() -> None:
    targets = [disk.target for disk in read("everything").data_disks]

    assert targets == ["vda", "sda", "sdb", "sdc", "vdb", "vdc", "vdd", "vde", "vdf"]


@pytest.mark.parametrize(
    ("target", "kind", "source", "protocol"),
    [
        ("vda", "file", "/srv/images/books.qcow2", None),
        ("sda", "block", "/dev/vg0/books-data", None),
        ("sdb", "network", "pool/books", "rbd"),
        ("sdc", "network", "", "nbd"),
        ("vdb", "volume", "default/books-logs", None),
        ("vdf", "nvme", "0000:01:00.0", None),
        ("sde", None, None, None),
    ],
)
def test_where_a_disk_lies_is_read(
    target: str, kind: str | None, source: str | None, protocol: str | None
) -> None:
    found = disk("everything", target)

    assert (found.kind, found.source, found.protocol) == (kind, source, protocol)


def test_what_makes_a_disk_special_is_read() -> None:
    assert disk("everything", "vdc").is_shareable
    assert disk("everything", "vdd").is_encrypted
    assert disk("everything", "vdd").is_transient
    assert disk("everything", "vde").has_data_file
    assert disk("everything", "sdd").is_readonly
    assert disk("everything", "sdd").device == "cdrom"
    assert disk("everything", "fda").device == "floppy"
    assert disk("everything", "vda").serial == "BOOKS-0001"
    assert disk("everything", "sda").wwn == "5000c50015ea71ad"
    assert disk("everything", "vda").discard == "unmap"
    assert disk("everything", "vda").error_policy == "stop"


def test_chain_of_snapshots_is_counted() -> None:
    assert disk("running", "vda").backing_depth == 2
    assert disk("running", "vdb").backing_depth == 0


def test_mirror_under_way_is_seen() -> None:
    assert disk("running", "vda").is_mirrored
    assert not disk("running", "vdb").is_mirrored


def test_disk_that_says_little_is_a_plain_disk() -> None:
    found = disk("small", "hda")

    assert (found.device, found.bus, found.format) == ("disk", "", None)
    assert found.is_data


def test_network_cards_are_read() -> None:
    nics = read("everything").nics

    assert [(nic.kind, nic.source, nic.model, nic.is_link_up) for nic in nics] == [
        ("network", "default", "virtio", True),
        ("bridge", "br-storage", "e1000e", False),
        ("direct", "eno1", "virtio", True),
    ]
    assert nics[0].mac == "52:54:00:11:22:33"


def test_firmware_is_read() -> None:
    firmware = read("everything").firmware

    assert firmware.is_uefi
    assert firmware.is_secure
    assert firmware.nvram == "/var/lib/libvirt/qemu/nvram/books_VARS.qcow2"
    assert firmware.nvram_template == "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"
    assert firmware.nvram_format == "qcow2"


def test_nvram_in_an_element_of_its_own_is_read() -> None:
    firmware = read("running").firmware

    assert firmware.is_uefi
    assert firmware.nvram == "/var/lib/libvirt/qemu/nvram/web_VARS.fd"


def test_machine_with_a_bios_has_no_nvram() -> None:
    firmware = read("small").firmware

    assert not firmware.is_uefi
    assert firmware.nvram is None


def test_tpm_is_read() -> None:
    tpm = read("everything").tpm

    assert tpm is not None
    assert (tpm.model, tpm.backend, tpm.version) == ("tpm-crb", "emulator", "2.0")
    assert tpm.is_state_encrypted
    assert read("small").tpm is None


@pytest.mark.parametrize(
    ("name", "has_channel", "connected"),
    [("everything", True, None), ("running", True, False), ("small", False, None)],
)
def test_agent_channel_is_read(name: str, has_channel: bool, connected: bool | None) -> None:
    spec = read(name)

    assert spec.has_agent_channel is has_channel
    assert spec.is_agent_connected is connected


def test_passed_through_devices_have_the_numbers_of_their_tools() -> None:
    assert read("everything").host_devices == ("pci 0000:06:12.5", "usb 1234:beef")


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<domain",
        "<network/>",
        "<domain type='kvm'><name>a</name></domain>",
        f"<domain><name>a</name><uuid>{UUID}</uuid></domain>",
        f"<domain><name>a</name><uuid>{UUID}</uuid><memory>much</memory></domain>",
        f"<domain><name>a</name><uuid>{UUID}</uuid><memory unit='acre'>1</memory></domain>",
        f"<domain><name>a</name><uuid>{UUID}</uuid><memory>1</memory><vcpu>two</vcpu></domain>",
        "<domain><name>a</name>\0</domain>",
        "<domain><name>a</name><uuid>../../../etc</uuid><memory>1</memory></domain>",
        f"<domain><name>a</name><uuid>{UUID}</uuid><memory>1</memory>{DEVICE}</domain>",
        f"<domain><name>a</name><uuid>{UUID}</uuid><memory>1</memory>{DEEP}</domain>",
    ],
)
def test_what_describes_no_machine_is_refused(xml: str) -> None:
    with pytest.raises(VmDescriptionBroken):
        read_domain(xml)


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE domain [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE domain [<!ENTITY secret SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE domain SYSTEM "http://127.0.0.1/domain.dtd">',
    ],
)
def test_description_that_declares_a_document_type_is_refused(declaration: str) -> None:
    with pytest.raises(VmDescriptionBroken, match="document type"):
        read_domain(f"{declaration}<domain><name>&b;</name></domain>")


def test_description_of_unlikely_length_is_refused() -> None:
    with pytest.raises(VmDescriptionBroken):
        read_domain("<domain>" + " " * (9 << 20) + "</domain>")
