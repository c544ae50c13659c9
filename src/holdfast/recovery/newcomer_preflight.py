"""What of a host would keep a machine from being started on it; nothing is changed by looking."""

import os
import uuid
from collections.abc import Iterator

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.binding import failure_of, load
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_identity import Identity, with_identity
from holdfast.hypervisor.domains import (
    define_domain,
    find_by_uuid,
    find_domain,
    list_domains,
    specs_of,
)
from holdfast.hypervisor.failures import ACCESS_DENIED, OPERATION_DENIED
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.hypervisor.xml_reading import read_xml
from holdfast.machines.restoring import found_or_none
from holdfast.recovery.fencing import is_fenced
from holdfast.recovery.host_networks import networks_here
from holdfast.recovery.networks import Because, Line, NetworksHere
from holdfast.recovery.newcomer import Newcomer
from holdfast.recovery.promotion_errors import (
    PromotionAccountReadsOnly,
    PromotionFilterMissing,
    PromotionFirmwareMissing,
    PromotionMacTaken,
    PromotionNameTaken,
    PromotionNetworkMissing,
    PromotionPoolClosed,
    PromotionUuidTaken,
)
from holdfast.recovery.promotion_hardware import hardware_problems, memory_problems

_DENIED = (OPERATION_DENIED, ACCESS_DENIED)


def account_problems(host: Host) -> Iterator[HoldfastError]:
    """Asked for what cannot be: how it is refused tells whether it could have been."""
    libvirt = load()
    try:
        host.connection.defineXML("<domain/>")
    except libvirt.libvirtError as err:
        failure = failure_of(err)
        if failure.number in _DENIED:
            yield PromotionAccountReadsOnly(reason=failure.message)


def place_problems(host: Host, new: Newcomer) -> Iterator[HoldfastError]:
    """Whether there is room for it at all: its name, its kind, its memory."""
    yield from _identity_problems(host, new)
    yield from hardware_problems(host, new.spec, new.description)
    yield from memory_problems(host, new.spec, new.description)


def part_problems(host: Host, new: Newcomer) -> Iterator[HoldfastError]:
    """What is made of parts of the host: pools, files, networks; at last, what libvirt says."""
    yield from _pool_problems(host, new)
    yield from _file_problems(new)
    yield from _network_problems(host, new)
    yield from _filter_problems(host, new)
    yield from _address_problems(host, new)
    yield from _definition_problems(host, new)


def _identity_problems(host: Host, new: Newcomer) -> Iterator[HoldfastError]:
    named = found_or_none(find_domain, host, new.name)
    is_other = named is not None and named.name == new.name and named.uuid != new.uuid
    if named is not None and is_other and (new.replaces != named.name or named.is_active()):
        yield PromotionNameTaken(name=new.name, other=named.uuid)
    same = found_or_none(find_by_uuid, host, new.uuid)
    if same is not None and (same.is_active() or not is_fenced(same)):
        yield PromotionUuidTaken(about=new.name, name=same.name)


def _pool_problems(host: Host, new: Newcomer) -> Iterator[HoldfastError]:
    libvirt = load()
    volumes = [disk.source or "" for disk in new.spec.disks if disk.kind == "volume"]
    for pool, _slash, volume in (source.partition("/") for source in volumes):
        try:
            found = host.connection.storagePoolLookupByName(pool)
            if not found.isActive():
                yield PromotionPoolClosed(about=new.name, pool=pool, reason=_("it is not active"))
                continue
            found.storageVolLookupByName(volume)
        except libvirt.libvirtError as err:
            reason = err.get_error_message()
            yield PromotionPoolClosed(about=new.name, pool=pool, reason=reason)


def _file_problems(new: Newcomer) -> Iterator[HoldfastError]:
    """Kernels and firmware; disks that are not the point's, which only a home has."""
    spec = new.spec
    wanted = [*spec.boot_files, spec.firmware.loader, spec.firmware.nvram_template]
    wanted += [disk.source for disk in spec.disks if disk.kind in ("file", "block")]
    for path in dict.fromkeys(wanted):
        if path and path not in new.disks and not os.path.exists(path):
            yield PromotionFirmwareMissing(about=new.name, path=path)


def _network_problems(host: Host, new: Newcomer) -> Iterator[HoldfastError]:
    here = networks_here(host)
    for line in new.lines:
        reason = _reason_against(line, here)
        if reason:
            yield PromotionNetworkMissing(
                about=new.name, mac=line.mac, old=line.old or line.mac, reason=reason
            )


def _filter_problems(host: Host, new: Newcomer) -> Iterator[HoldfastError]:
    libvirt = load()
    domain = read_xml(new.description, root="domain", about=new.name)
    found = {each.get("filter", "") for each in domain.iterfind("devices/interface/filterref")}
    for name in sorted(found):
        try:
            host.connection.nwfilterLookupByName(name)
        except libvirt.libvirtError:
            yield PromotionFilterMissing(about=new.name, name=name)


def _reason_against(line: Line, here: NetworksHere) -> str:
    if line.because is Because.NOWHERE:
        return _("there is no network at all")
    if line.place is None or line.place.is_bridge or line.place.name in here.networks:
        return ""
    return _("no network {name} is active").format(name=line.place.name)


def _address_problems(host: Host, new: Newcomer) -> Iterator[HoldfastError]:
    ours = set(_nics_of(new.spec))
    for other in specs_of(list_domains(host), running=True):
        if other.uuid == new.uuid:
            continue
        for nic in _nics_of(other):
            if nic in ours:
                yield PromotionMacTaken(about=new.name, other=other.name, mac=nic)


def _nics_of(spec: DomainSpec) -> Iterator[str]:
    return (nic.mac for nic in spec.nics if nic.mac and nic.is_link_up and nic.kind != "user")


def _definition_problems(host: Host, new: Newcomer) -> Iterator[HoldfastError]:
    """What libvirt here would refuse, it refuses now and not when the other host has shut it down."""
    trial = Identity(name=f"holdfast-trial-{uuid.uuid4()}", uuid=str(uuid.uuid4()))
    try:
        define_domain(host, with_identity(new.description, trial))
    except HoldfastError as err:
        yield type(err)(**(err.fields | {"about": new.name}))
    finally:
        made = found_or_none(find_by_uuid, host, trial.uuid or "")
        if made is not None:
            made.undefine(keep_nvram=True)
