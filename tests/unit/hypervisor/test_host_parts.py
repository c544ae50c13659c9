"""A description that was written elsewhere gets nothing of this host but disks and networks."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from holdfast.hypervisor.domain_identity import Identity, with_identity
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.host_parts import host_parts

EVERYTHING = (Path(__file__).parent / "domains" / "everything.xml").read_text()
QEMU = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
SECRET = "/etc/secret"
MACHINE = f"""<domain type='kvm' {QEMU}>
  <name>web</name><uuid>6f2d1c9e-7d0b-4b7e-9a43-0d5b6b1a2f10</uuid><memory>1024</memory>
  <os><type>hvm</type>{{os}}</os>{{beside}}
  <devices>{{devices}}</devices>
</domain>"""

DEVICES = {
    "program": f"<emulator>{SECRET}</emulator>",
    "medium": f"<disk type='file' device='cdrom'><source file='{SECRET}'/><target dev='sda'/></disk>",
    "folder": f"<filesystem type='mount'><source dir='{SECRET}'/><target dir='x'/></filesystem>",
    "line": f"<serial type='file'><source path='{SECRET}'/></serial>",
    "console": f"<console type='dev'><source path='{SECRET}'/></console>",
    "log": f"<serial type='pty'><log file='{SECRET}' append='on'/></serial>",
    "channel": (
        f"<channel type='pipe'><source path='{SECRET}'/><target type='virtio' name='x'/></channel>"
    ),
    "parallel": f"<parallel type='file'><source path='{SECRET}'/></parallel>",
    "script": f"<interface type='ethernet'><script path='{SECRET}'/></interface>",
    "socket": f"<interface type='vhostuser'><source type='unix' path='{SECRET}'/></interface>",
    "rom": f"<interface type='user'><rom file='{SECRET}'/></interface>",
    "tap": f"<interface type='user'><backend tap='{SECRET}' vhost='{SECRET}'/></interface>",
    "keyboard": f"<input type='evdev'><source dev='{SECRET}'/></input>",
    "memory": f"<memory model='nvdimm'><source><path>{SECRET}</path></source></memory>",
    "tpm": (
        f"<tpm><backend type='passthrough'><device path='{SECRET}'/></backend></tpm>"
        f"<tpm><backend type='emulator'><source type='file' path='{SECRET}'/></backend></tpm>"
    ),
    "random": f"<rng model='virtio'><backend model='random'>{SECRET}</backend></rng>",
    "screen": f"<graphics type='vnc' socket='{SECRET}'><listen type='socket' socket='{SECRET}'/></graphics>",
    "sound": f"<audio id='1' type='file' path='{SECRET}'/>",
    "shared": f"<shmem name='{SECRET}'/>",
}
SYSTEM = {
    "table": f"<acpi><table type='slic'>{SECRET}</table></acpi>",
    "template": f"<nvram template='{SECRET}'/>",
    "template-up": f"<nvram template='/usr/share/../..{SECRET}'/>",
}
BESIDE = {
    "arguments": f"<qemu:commandline><qemu:arg value='{SECRET}'/></qemu:commandline>",
    "value": f"<sysinfo type='fwcfg'><entry name='opt/x' file='{SECRET}'/></sysinfo>",
    "user": f"<seclabel type='static' model='dac'><label>{SECRET}</label></seclabel>",
    "boot": f"<bootloader>{SECRET}</bootloader>",
}
ALL = [
    *(MACHINE.format(devices=xml, os="", beside="") for xml in DEVICES.values()),
    *(MACHINE.format(devices="", os=xml, beside="") for xml in SYSTEM.values()),
    *(MACHINE.format(devices="", os="", beside=xml) for xml in BESIDE.values()),
]


def without(xml: str) -> str:
    return with_identity(xml, Identity(name="back", without_host_parts=True))


@pytest.mark.parametrize("xml", ALL, ids=[*DEVICES, *SYSTEM, *BESIDE])
def test_place_on_the_host_is_taken_out(xml: str) -> None:
    assert SECRET in xml

    assert SECRET not in without(xml)


def test_what_is_taken_out_is_named() -> None:
    assert host_parts(EVERYTHING, about="books") == (
        "/srv/iso/drivers.iso",
        "/srv/floppy/driver.img",
        "/srv/shared-folder",
        "commandline",
    )
    assert host_parts(without(EVERYTHING), about="books") == ()


def test_machine_keeps_what_is_not_of_its_host() -> None:
    before, after = read_domain(EVERYTHING), read_domain(without(EVERYTHING))

    assert after.data_disks == before.data_disks
    assert after.nics == before.nics
    assert (after.firmware, after.tpm) == (before.firmware, before.tpm)
    assert after.has_agent_channel
    assert [disk.target for disk in after.disks] == [disk.target for disk in before.disks]


def test_lines_stay_as_libvirts_own() -> None:
    lines = [DEVICES[name] for name in ("line", "console", "channel")]

    xml = without(MACHINE.format(devices="".join(lines), os="", beside=""))

    devices = ET.fromstring(xml).find("devices")
    assert devices is not None
    assert [(each.tag, each.get("type")) for each in devices] == [
        ("serial", "pty"),
        ("console", "pty"),
        ("channel", "unix"),
    ]


def test_files_it_starts_with_are_known() -> None:
    system = (
        "<loader>/srv/own.fd</loader><kernel>/boot/vmlinuz</kernel><initrd>/boot/initrd</initrd>"
    )

    spec = read_domain(MACHINE.format(devices="", os=system, beside=""))

    assert spec.boot_files == ("/boot/vmlinuz", "/boot/initrd", "/srv/own.fd")
    assert read_domain(EVERYTHING).boot_files == ()
