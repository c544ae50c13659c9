"""Reads a machine from libvirt's description of it; looks at nothing else."""

from collections.abc import Iterator
from uuid import UUID

from holdfast.hypervisor.errors import VmDescriptionBroken
from holdfast.hypervisor.host_parts import is_of_system
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec, FirmwareSpec, NicSpec, TpmSpec
from holdfast.hypervisor.xml_reading import Element, read_xml

AGENT_CHANNEL = "org.qemu.guest_agent.0"

_UNITS = {
    "b": 1, "bytes": 1,
    "k": 1 << 10, "kib": 1 << 10, "kb": 1000,
    "m": 1 << 20, "mib": 1 << 20, "mb": 1000**2,
    "g": 1 << 30, "gib": 1 << 30, "gb": 1000**3,
    "t": 1 << 40, "tib": 1 << 40, "tb": 1000**4,
}  # fmt: skip

_SOURCE_ATTRIBUTE = {"file": "file", "block": "dev", "dir": "dir", "network": "name"}
_NIC_SOURCES = ("network", "bridge", "dev", "path", "portgroup")


def read_domain(xml: str) -> DomainSpec:
    domain = read_xml(xml, root="domain", about="VM")
    name = domain.findtext("name")
    uuid = domain.findtext("uuid")
    if not name or not uuid:
        raise VmDescriptionBroken(about=name or uuid or "VM", reason="no name or no UUID")
    os_type = domain.find("os/type")
    cpu = domain.find("cpu")
    return DomainSpec(
        name=name,
        uuid=_uuid(uuid, name),
        kind=domain.get("type", ""),
        memory_bytes=_memory(domain, name),
        vcpus=_whole(domain.findtext("vcpu", "1"), name),
        arch=None if os_type is None else os_type.get("arch"),
        machine=None if os_type is None else os_type.get("machine"),
        cpu_mode=None if cpu is None else cpu.get("mode"),
        title=domain.findtext("title"),
        generation_id=domain.findtext("genid"),
        disks=tuple(_disk(disk) for disk in domain.iterfind("devices/disk")),
        nics=tuple(_nic(nic) for nic in domain.iterfind("devices/interface")),
        firmware=_firmware(domain),
        tpm=_tpm(domain),
        has_agent_channel=_agent_channel(domain) is not None,
        is_agent_connected=_is_agent_connected(domain),
        host_devices=tuple(_host_device(item) for item in domain.iterfind("devices/hostdev")),
        shared_folders=tuple(_folder(item) for item in domain.iterfind("devices/filesystem")),
        boot_files=tuple(_boot_files(domain)),
    )


def _uuid(text: str, name: str) -> str:
    """As libvirt writes it; files are called after it, so it must be nothing else."""
    try:
        return str(UUID(text))
    except ValueError as err:
        raise VmDescriptionBroken(about=name, reason=f"{text!r} is no UUID") from err


def _memory(domain: Element, name: str) -> int:
    memory = domain.find("memory")
    if memory is None:
        raise VmDescriptionBroken(about=name, reason="no memory")
    unit = _UNITS.get(memory.get("unit", "KiB").lower())
    if unit is None:
        raise VmDescriptionBroken(about=name, reason=f"memory in {memory.get('unit')}")
    return _whole(memory.text or "", name) * unit


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError as err:
        raise VmDescriptionBroken(about=name, reason=f"{text!r} is not a number") from err


def _disk(disk: Element) -> DiskSpec:
    source = disk.find("source")
    driver = _attributes(disk, "driver")
    return DiskSpec(
        target=_attributes(disk, "target").get("dev", ""),
        bus=_attributes(disk, "target").get("bus", ""),
        device=disk.get("device", "disk"),
        format=driver.get("type"),
        kind=None if _source(disk) is None else disk.get("type"),
        source=_source(disk),
        protocol=None if source is None else source.get("protocol"),
        is_readonly=_has(disk, "readonly"),
        is_shareable=_has(disk, "shareable"),
        is_transient=_has(disk, "transient"),
        is_encrypted=_has(disk, "encryption") or _has(disk, "source/encryption"),
        has_data_file=_has(disk, "source/dataStore"),
        backing_depth=_backing_depth(disk),
        serial=disk.findtext("serial"),
        wwn=disk.findtext("wwn"),
        discard=driver.get("discard"),
        error_policy=driver.get("error_policy"),
        is_mirrored=_has(disk, "mirror"),
    )


def _has(element: Element, path: str) -> bool:
    return element.find(path) is not None


def _source(disk: Element) -> str | None:
    kind = disk.get("type", "file")
    source = disk.find("source")
    if source is None:
        return None
    if kind == "volume":
        return f"{source.get('pool')}/{source.get('volume')}"
    if kind in ("nvme", "vhostuser", "vhostvdpa"):
        return _address(source) or source.get("path") or source.get("dev") or ""
    # A network image without a name is the one export of its server.
    return source.get(_SOURCE_ATTRIBUTE.get(kind, "file"), "" if kind == "network" else None)


def _backing_depth(disk: Element) -> int:
    depth = 0
    layer = disk.find("backingStore")
    # The last layer has an empty element below it: "nothing comes here".
    while layer is not None and layer.get("type"):
        depth += 1
        layer = layer.find("backingStore")
    return depth


def _nic(nic: Element) -> NicSpec:
    source = _attributes(nic, "source")
    return NicSpec(
        mac=_attributes(nic, "mac").get("address"),
        kind=nic.get("type", ""),
        source=next((source[name] for name in _NIC_SOURCES if name in source), None),
        model=_attributes(nic, "model").get("type"),
        is_link_up=_attributes(nic, "link").get("state") != "down",
    )


def _firmware(domain: Element) -> FirmwareSpec:
    loader = domain.find("os/loader")
    nvram = domain.find("os/nvram")
    os_element = domain.find("os")
    automatic = os_element is not None and os_element.get("firmware") == "efi"
    on_flash = loader is not None and loader.get("type") == "pflash"
    return FirmwareSpec(
        is_uefi=automatic or on_flash,
        is_secure=loader is not None and loader.get("secure") == "yes",
        loader=_text(loader),
        nvram=None if nvram is None else _nvram_file(nvram),
        nvram_template=None if nvram is None else nvram.get("template"),
        nvram_format=None if nvram is None else nvram.get("format"),
    )


def _boot_files(domain: Element) -> Iterator[str]:
    for tag in ("kernel", "initrd", "dtb"):
        yield from filter(None, map(_text, domain.iterfind(f"os/{tag}")))
    loader = _text(domain.find("os/loader"))
    if loader and not is_of_system(loader):
        yield loader


def _nvram_file(nvram: Element) -> str | None:
    # Since libvirt 8.5 the file may stand in an element of its own.
    return _attributes(nvram, "source").get("file") or _text(nvram)


def _tpm(domain: Element) -> TpmSpec | None:
    tpm = domain.find("devices/tpm")
    if tpm is None:
        return None
    backend = _attributes(tpm, "backend")
    return TpmSpec(
        model=tpm.get("model"),
        backend=backend.get("type", ""),
        version=backend.get("version"),
        is_state_encrypted=tpm.find("backend/encryption") is not None,
    )


def _agent_channel(domain: Element) -> Element | None:
    for channel in domain.iterfind("devices/channel"):
        if _attributes(channel, "target").get("name") == AGENT_CHANNEL:
            return channel
    return None


def _is_agent_connected(domain: Element) -> bool | None:
    channel = _agent_channel(domain)
    state = None if channel is None else _attributes(channel, "target").get("state")
    return None if state is None else state == "connected"


def _host_device(device: Element) -> str:
    kind = device.get("type") or device.get("mode") or "device"
    source = device.find("source")
    return f"{kind} {'' if source is None else _address(source)}".strip()


def _address(source: Element) -> str:
    """Where a device is, in the numbers of lspci and lsusb."""
    vendor, product = _attributes(source, "vendor"), _attributes(source, "product")
    if vendor and product:
        return f"{vendor.get('id', '')}:{product.get('id', '')}".replace("0x", "")
    address = _attributes(source, "address")
    if "slot" in address:
        parts = [_hex(address.get(name, "0")) for name in ("domain", "bus", "slot", "function")]
        return "{:04x}:{:02x}:{:02x}.{:x}".format(*parts)
    return address.get("uuid", "") or ".".join(address.values())


def _hex(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError as err:
        raise VmDescriptionBroken(about="VM", reason=f"{text!r} is not a number") from err


def _folder(filesystem: Element) -> str:
    source = _attributes(filesystem, "source")
    return source.get("dir") or source.get("socket") or source.get("file") or ""


def _attributes(parent: Element, path: str) -> dict[str, str]:
    found = parent.find(path)
    return {} if found is None else found.attrib


def _text(element: Element | None) -> str | None:
    return None if element is None else (element.text or "").strip() or None
