"""Gives the description of a machine a new identity: for a restore, an instant boot, a test.

Nothing else of it is changed: what Holdfast does not know stays as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.hypervisor.domain_xml import AGENT_CHANNEL
from holdfast.hypervisor.host_parts import take_out_host_parts
from holdfast.hypervisor.xml_reading import Element, child, drop, read_xml, sub, write_xml


@dataclass(frozen=True, slots=True, kw_only=True)
class NbdBacking:
    """A read-only export under a disk: what the disk does not hold is read from there."""

    socket: str
    export: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskPlace:
    """Where a disk of the new machine lies."""

    path: str
    format: str
    is_block_device: bool = False
    backing: NbdBacking | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlace:
    """What a network card is connected to: a network of libvirt's, or a bridge of the host."""

    name: str
    is_bridge: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What shall differ; None and absent entries leave the description as it is."""

    name: str | None = None
    uuid: str | None = None
    generation_id: str | None = None
    nvram: str | None = None
    # By target, as vda; disks that are not named keep their place, None takes a disk out.
    disks: Mapping[str, DiskPlace | None] = field(default_factory=dict)
    # Old address to new one.
    macs: Mapping[str, str] = field(default_factory=dict)
    # By the name of the old network or bridge; None takes the card out.
    networks: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    without_links: bool = False
    # No network cards at all, and no folders of the host.
    without_ways_out: bool = False
    # No passed-through devices.
    without_host_devices: bool = False
    # Nor what else it names of its host but disks and networks, see host_parts.
    without_host_parts: bool = False
    # A file for what its first serial line says, where it has one.
    console_log: str | None = None
    # Pause instead of an I/O error when a disk's backing is lost for a while.
    stop_on_error: bool = False


def with_identity(xml: str, identity: Identity) -> str:
    domain = read_xml(xml, root="domain", about=identity.name or "VM")
    domain.attrib.pop("id", None)
    _rename(domain, identity)
    if identity.without_host_parts:
        take_out_host_parts(domain)
    if identity.nvram is not None:
        _place_nvram(domain, identity.nvram)
    devices = child(domain, "devices")
    for disk in devices.findall("disk"):
        _place_disk(devices, disk, identity)
    for nic in devices.findall("interface"):
        _connect(devices, nic, identity)
    if identity.without_ways_out:
        drop(devices, "interface")
        drop(devices, "filesystem")
    if identity.without_host_devices:
        drop(devices, "hostdev")
    if identity.console_log is not None:
        _log_console(devices, identity.console_log)
    if identity.name is not None or identity.uuid is not None:
        _drop_what_only_one_can_have(domain, devices)
    return write_xml(domain)


def _rename(domain: Element, identity: Identity) -> None:
    if identity.name is not None:
        child(domain, "name").text = identity.name
    if identity.uuid is not None:
        child(domain, "uuid").text = identity.uuid
        # libvirt refuses a machine whose two UUIDs differ.
        for entry in domain.iterfind("sysinfo/system/entry[@name='uuid']"):
            entry.text = identity.uuid
    if identity.generation_id is not None:
        child(domain, "genid").text = identity.generation_id


def _place_nvram(domain: Element, path: str) -> None:
    nvram = child(child(domain, "os"), "nvram")
    nvram.attrib.pop("type", None)
    drop(nvram, "source")
    nvram.text = path


def _place_disk(devices: Element, disk: Element, identity: Identity) -> None:
    target = disk.find("target")
    name = "" if target is None else target.get("dev", "")
    place = identity.disks.get(name)
    if place is None and name in identity.disks:
        devices.remove(disk)
        return
    if place is not None:
        _move_disk(disk, place)
    if identity.stop_on_error and disk.get("device", "disk") in ("disk", "lun"):
        child(disk, "driver").attrib.update(error_policy="stop", rerror_policy="stop")


def _move_disk(disk: Element, place: DiskPlace) -> None:
    kind, attribute = ("block", "dev") if place.is_block_device else ("file", "file")
    disk.set("type", kind)
    if disk.get("device") == "lun" and not place.is_block_device:
        # Commands of SCSI can only be passed on to a device.
        disk.set("device", "disk")
    child(disk, "driver").set("type", place.format)
    for stale in ("source", "backingStore", "mirror", "auth", "encryption"):
        drop(disk, stale)
    disk.insert(1, _element("source", {attribute: place.path}))
    if place.backing is not None:
        disk.insert(2, _backing_store(place.backing))


def _backing_store(backing: NbdBacking) -> Element:
    store = _element("backingStore", {"type": "network"})
    sub(store, "format", {"type": "raw"})
    source = sub(store, "source", {"protocol": "nbd", "name": backing.export})
    sub(source, "host", {"transport": "unix", "socket": backing.socket})
    # Empty: nothing below it, so libvirt need not look.
    sub(store, "backingStore")
    return store


def _connect(devices: Element, nic: Element, identity: Identity) -> None:
    mac = nic.find("mac")
    if mac is not None:
        address = mac.get("address", "")
        mac.set("address", identity.macs.get(address, address))
    source = nic.find("source")
    old = None if source is None else source.get("network") or source.get("bridge")
    if old is not None and old in identity.networks:
        place = identity.networks[old]
        if place is None:
            devices.remove(nic)
            return
        _reconnect(nic, place)
    if identity.without_links:
        child(nic, "link").set("state", "down")


def _reconnect(nic: Element, place: NetworkPlace) -> None:
    kind = "bridge" if place.is_bridge else "network"
    nic.set("type", kind)
    # Port groups, virtual ports and the host's device belong to the old network.
    for stale in ("source", "virtualport", "target"):
        drop(nic, stale)
    nic.insert(0, _element("source", {kind: place.name}))


def _log_console(devices: Element, path: str) -> None:
    for line in devices.findall("serial")[:1]:
        drop(line, "log")
        sub(line, "log", {"file": path, "append": "off"})
    # libvirt repeats the serial line as a console, and minds a difference.
    for console in devices.findall("console"):
        drop(console, "log")


def _drop_what_only_one_can_have(domain: Element, devices: Element) -> None:
    """Sockets, ports and labels libvirt had chosen; it chooses anew."""
    for channel in devices.findall("channel"):
        target = channel.find("target")
        if target is not None and target.get("name") == AGENT_CHANNEL:
            drop(channel, "source")
    for cid in devices.findall("vsock/cid"):
        cid.set("auto", "yes")
        cid.attrib.pop("address", None)
    for graphics in devices.findall("graphics"):
        if graphics.get("port", "-1") != "-1":
            graphics.attrib.update(port="-1", autoport="yes")
    for label in domain.findall("seclabel[@type='dynamic']"):
        domain.remove(label)


def _element(tag: str, attributes: dict[str, str]) -> Element:
    return Element(tag, attributes)
