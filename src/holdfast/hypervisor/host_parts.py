"""What a description names of its host besides disks: files, folders, programs, devices. Pure.

QEMU opens what it names, libvirt hands it over to QEMU, and some of it is run. A description out of
a vault was written for another host, or by somebody who wants something of this one.
"""

import posixpath
from collections.abc import Iterator

from holdfast.hypervisor.xml_reading import Element, child, drop, read_xml

# Whom a line leads to by libvirt's or QEMU's own means, without a place on the host.
_OWN_LINES = frozenset(("pty", "null", "vc", "spicevmc", "spiceport", "dbus", "qemu-vdagent"))
_OF_HOST = frozenset(("filesystem", "shmem"))
_NICS_OF_HOST = frozenset(("hostdev", "vhostuser", "vdpa"))
_INPUTS_OF_HOST = frozenset(("passthrough", "evdev"))
_RANDOM = frozenset(("/dev/urandom", "/dev/random", "/dev/hwrng"))
# Programs of the system lie there, firmware as well: nothing in it is secret.
_SYSTEM = "/usr/"
# Places that a device needs none of: it does without, or libvirt finds one.
_PLACES = (
    ("rom", "file"),
    ("backend", "tap"),
    ("backend", "vhost"),
    ("audio", "path"),
    ("graphics", "socket"),
    ("listen", "socket"),
    ("gl", "rendernode"),
    ("acceleration", "rendernode"),
)


def host_parts(xml: str, *, about: str) -> tuple[str, ...]:
    """What `take_out_host_parts` would take out, as a person would look it up."""
    return take_out_host_parts(read_xml(xml, root="domain", about=about))


def take_out_host_parts(domain: Element) -> tuple[str, ...]:
    """Disks and passed-through devices are others' business, and so is the kernel it starts.

    What libvirt chooses again by itself is not told.
    """
    devices = child(domain, "devices")
    drop(domain, "seclabel")
    drop(domain, "bootloader")
    drop(devices, "emulator")
    found = [*_empty_drives(devices), *_take_devices(devices), *_cut_lines(devices)]
    found += [*_clean_firmware(domain), *_take_arguments(domain), *_take_scripts(devices)]
    _clean_devices(devices)
    return tuple(found)


def is_of_system(path: str) -> bool:
    return posixpath.normpath(path).startswith(_SYSTEM)


def _empty_drives(devices: Element) -> Iterator[str]:
    for disk in devices.findall("disk"):
        if disk.get("device") in ("cdrom", "floppy"):
            yield from _paths(disk)
            for stale in ("source", "backingStore", "mirror"):
                drop(disk, stale)


def _take_devices(devices: Element) -> Iterator[str]:
    for device in [*devices]:
        if _is_of_host(device):
            devices.remove(device)
            yield _named(device)


def _is_of_host(device: Element) -> bool:
    kind = device.get("type", "")
    match device.tag:
        case "interface":
            return kind in _NICS_OF_HOST
        case "input":
            return kind in _INPUTS_OF_HOST
        case "parallel" | "smartcard" | "redirdev":
            return kind not in _OWN_LINES
        case "tpm":
            backend = device.find("backend")
            return backend is None or backend.get("type") != "emulator"
        case "memory":
            return device.find("source/path") is not None
        case tag:
            return tag in _OF_HOST


def _cut_lines(devices: Element) -> Iterator[str]:
    """A guest's lines lead to libvirt, and what they say is written nowhere."""
    for tag, instead in (("serial", "pty"), ("console", "pty"), ("channel", "unix")):
        for line in devices.findall(tag):
            drop(line, "log")
            if line.get("type") in _OWN_LINES:
                continue
            if line.get("type") != instead:
                yield _named(line)
            line.set("type", instead)
            for stale in ("source", "protocol"):
                drop(line, stale)


def _clean_firmware(domain: Element) -> Iterator[str]:
    """Tables and values that QEMU would read out of files; libvirt copies a template as root."""
    system = child(domain, "os")
    for table in system.findall("acpi"):
        system.remove(table)
        yield _named(table)
    for nvram in system.findall("nvram"):
        if "template" in nvram.attrib and not is_of_system(nvram.attrib["template"]):
            yield nvram.attrib.pop("template")
    for values in domain.findall("sysinfo"):
        for entry in values.findall("entry[@file]"):
            values.remove(entry)
            yield entry.get("file", "")


def _take_arguments(domain: Element) -> Iterator[str]:
    """What is given to QEMU past libvirt; all of it is in name spaces of its own."""
    for element in [*domain]:
        if element.tag.startswith("{"):
            domain.remove(element)
            yield element.tag.rpartition("}")[2]


def _take_scripts(devices: Element) -> Iterator[str]:
    for nic in devices.findall("interface"):
        for tag in ("script", "downscript"):
            for script in nic.findall(tag):
                nic.remove(script)
                yield script.get("path", tag)


def _clean_devices(devices: Element) -> None:
    for tag, attribute in _PLACES:
        for element in devices.iter(tag):
            element.attrib.pop(attribute, None)
    for source in devices.findall("tpm/backend"):
        drop(source, "source")
    for backend in devices.findall("rng/backend"):
        if backend.get("model") == "random" and (backend.text or "").strip() not in _RANDOM:
            backend.text = "/dev/urandom"


def _named(element: Element) -> str:
    kind = element.get("type") or element.get("mode") or ""
    return ", ".join(_paths(element)) or f"{element.tag} {kind}".strip()


def _paths(element: Element) -> list[str]:
    values = [
        value.strip()
        for each in element.iter()
        for value in (*each.attrib.values(), each.text or "")
    ]
    return [value for value in values if value.startswith("/")]
