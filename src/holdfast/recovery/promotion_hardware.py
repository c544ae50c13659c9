"""Whether this host can run the kind of machine it is, and has the memory for it."""

from collections.abc import Iterator
from typing import Any

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import KIB, format_size
from holdfast.hypervisor.binding import load
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.hypervisor.xml_reading import Element, read_xml, write_xml
from holdfast.recovery.promotion_errors import (
    PromotionHardwareUnknown,
    PromotionHugePagesShort,
    PromotionMemoryShort,
)

# In KiB, where a description leaves it open.
_USUAL_PAGE = 2048
_IN_KIB = {"": 1, "b": 1 / KIB, "bytes": 1 / KIB, "KiB": 1, "MiB": KIB, "GiB": KIB * KIB}


def hardware_problems(host: Host, spec: DomainSpec, xml: str) -> Iterator[HoldfastError]:
    """Emulator, machine type and processor."""
    domain = read_xml(xml, root="domain", about=spec.name)
    emulator = domain.findtext("devices/emulator")
    libvirt = load()
    with host.asking(spec.name) as connection:
        try:
            connection.getDomainCapabilities(emulator, spec.arch, spec.machine, spec.kind, 0)
        except libvirt.libvirtError as err:
            what = f"{spec.kind}, {spec.arch}, {spec.machine}"
            yield _unknown(spec, what, err.get_error_message())
            return
        cpu = domain.find("cpu")
        if cpu is not None and not _fits(connection, spec, cpu, emulator):
            model = cpu.findtext("model") or "?"
            yield _unknown(spec, model, _("its processor lacks what the machine was given"))


def memory_problems(host: Host, spec: DomainSpec, xml: str) -> Iterator[HoldfastError]:
    """What is only used to remember files counts as free."""
    page = _huge_page(read_xml(xml, root="domain", about=spec.name))
    with host.asking(spec.name) as connection:
        if page:
            yield from _pages_short(connection, spec, page)
            return
        found = connection.getMemoryStats(load().VIR_NODE_MEMORY_STATS_ALL_CELLS, 0)
    free = KIB * sum(found.get(name, 0) for name in ("free", "buffers", "cached"))
    if free < spec.memory_bytes:
        yield PromotionMemoryShort(
            about=spec.name, needed=format_size(spec.memory_bytes), free=format_size(free)
        )


def _fits(connection: Any, spec: DomainSpec, cpu: Element, emulator: str | None) -> bool:
    """Only for one that was named: what its host has, a machine has here as well."""
    if spec.kind != "kvm" or cpu.get("mode", "custom") != "custom" or cpu.get("check") == "none":
        return True
    if cpu.find("model") is None:
        return True
    libvirt = load()
    try:
        found = connection.compareHypervisorCPU(
            emulator, spec.arch, spec.machine, spec.kind, write_xml(cpu), 0
        )
    except libvirt.libvirtError:
        # It cannot be told; the start will tell.
        return True
    return bool(found != libvirt.VIR_CPU_COMPARE_INCOMPATIBLE)


def _huge_page(domain: Element) -> int:
    """In KiB; 0: ordinary ones."""
    backing = domain.find("memoryBacking/hugepages")
    if backing is None:
        return 0
    page = backing.find("page")
    if page is None:
        return _USUAL_PAGE
    return int(int(page.get("size", _USUAL_PAGE)) * _IN_KIB.get(page.get("unit", "KiB"), 1))


def _pages_short(connection: Any, spec: DomainSpec, page: int) -> Iterator[HoldfastError]:
    libvirt = load()
    nodes = connection.getInfo()[4]
    try:
        found = connection.getFreePages([page], 0, nodes)
        free = sum(cell.get(page, 0) for cell in found.values())
    except libvirt.libvirtError:
        # This host knows no pages of that size.
        free = 0
    needed = -(-spec.memory_bytes // (page * KIB))
    if free < needed:
        yield PromotionHugePagesShort(
            about=spec.name, needed=needed, free=free, size=format_size(page * KIB)
        )


def _unknown(spec: DomainSpec, what: str, reason: str) -> HoldfastError:
    return PromotionHardwareUnknown(about=spec.name, what=what, reason=reason)
