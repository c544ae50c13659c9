"""What would keep a machine from being started here, all of it, before anything is changed."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.disks import images
from holdfast.hypervisor.binding import failure_of, load
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_identity import Identity, with_identity
from holdfast.hypervisor.domain_xml import read_domain
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
from holdfast.recovery.promoting import domain_of
from holdfast.recovery.promotion import Place, PromotionPlan
from holdfast.recovery.promotion_errors import (
    PromotionAccountReadsOnly,
    PromotionFilterMissing,
    PromotionFirmwareMissing,
    PromotionFolderClosed,
    PromotionMacTaken,
    PromotionNameTaken,
    PromotionNetworkMissing,
    PromotionPoolClosed,
    PromotionSpaceShort,
    PromotionUuidTaken,
)
from holdfast.recovery.promotion_hardware import hardware_problems, memory_problems
from holdfast.replication.replica_folder import RESERVE, room_of

_RESERVE_SHARE = 50
_DENIED = (OPERATION_DENIED, ACCESS_DENIED)
_OTHERS_GO_THROUGH = 0o001


def problems_of(place: Place, plan: PromotionPlan) -> tuple[HoldfastError, ...]:
    """Empty: it can be started, as far as can be seen. One that is defined already is no problem."""
    if domain_of(place, plan.promoted) is not None:
        return ()
    denied = tuple(_account_problems(place.host))
    return denied or tuple(_problems(place, plan))


def require_promotable(place: Place, plan: PromotionPlan) -> None:
    """Raises the first of what `problems_of` finds; the gravest come first."""
    for problem in problems_of(place, plan):
        raise problem


def _problems(place: Place, plan: PromotionPlan) -> Iterator[HoldfastError]:
    spec = read_domain(plan.description)
    yield from _identity_problems(place.host, plan)
    yield from hardware_problems(place.host, spec, plan.description)
    yield from memory_problems(place.host, spec, plan.description)
    yield from _folder_problems(place, plan)
    yield from _pool_problems(place.host, spec)
    yield from _file_problems(plan, spec)
    yield from _network_problems(place.host, plan)
    yield from _filter_problems(place.host, plan)
    yield from _address_problems(place.host, spec)
    yield from _definition_problems(place.host, plan)


def _account_problems(host: Host) -> Iterator[HoldfastError]:
    """Asked for what cannot be: how it is refused tells whether it could have been."""
    libvirt = load()
    try:
        host.connection.defineXML("<domain/>")
    except libvirt.libvirtError as err:
        failure = failure_of(err)
        if failure.number in _DENIED:
            yield PromotionAccountReadsOnly(reason=failure.message)


def _identity_problems(host: Host, plan: PromotionPlan) -> Iterator[HoldfastError]:
    promoted = plan.promoted
    named = found_or_none(find_domain, host, promoted.name)
    is_other = named is not None and named.name == promoted.name and named.uuid != promoted.uuid
    if named is not None and is_other and (plan.replaces != named.name or named.is_active()):
        yield PromotionNameTaken(name=promoted.name, other=named.uuid)
    same = found_or_none(find_by_uuid, host, promoted.uuid)
    if same is not None and (same.is_active() or not is_fenced(same)):
        yield PromotionUuidTaken(about=promoted.name, name=same.name)


def _folder_problems(place: Place, plan: PromotionPlan) -> Iterator[HoldfastError]:
    folder, name = place.site.folder, plan.promoted.name
    closed = [above for above in folder.parents if not _is_open(above)]
    user = _qemu_user(place.host, plan) if closed else 0
    for above in closed:
        if user and above.stat().st_uid != user:
            reason = _("QEMU, as the user it runs as here, cannot go through it")
            yield PromotionFolderClosed(about=name, path=above, reason=reason)
    if not os.access(folder, os.W_OK):
        yield PromotionFolderClosed(about=name, path=folder, reason=_("it cannot be written"))
        return
    room = room_of(folder)
    needed = min(RESERVE, room.total // _RESERVE_SHARE)
    if room.free < needed:
        yield PromotionSpaceShort(
            about=name, path=folder, free=format_size(room.free), needed=format_size(needed)
        )
    for disk in plan.promoted.disks:
        try:
            images.links(Path(disk.below), format_="qcow2", is_live=True)
        except HoldfastError as err:
            yield PromotionFolderClosed(about=name, path=disk.below, reason=str(err))


def _qemu_user(host: Host, plan: PromotionPlan) -> int:
    """Its number; root where libvirt does not say."""
    kind = read_domain(plan.description).kind
    with host.asking() as connection:
        root = read_xml(connection.getCapabilities(), root="capabilities", about=host.uri)
    for model in root.iterfind("host/secmodel"):
        if model.findtext("model") == "dac":
            for label in model.iterfind("baselabel"):
                if label.get("type") == kind:
                    return int((label.text or "0").partition(":")[0].lstrip("+") or 0)
    return 0


def _is_open(folder: Path) -> bool:
    """To whoever; one that is not there is found to be so in another way."""
    return not folder.exists() or bool(folder.stat().st_mode & _OTHERS_GO_THROUGH)


def _pool_problems(host: Host, spec: DomainSpec) -> Iterator[HoldfastError]:
    libvirt = load()
    volumes = [disk.source or "" for disk in spec.disks if disk.kind == "volume"]
    for pool, _slash, volume in (source.partition("/") for source in volumes):
        try:
            found = host.connection.storagePoolLookupByName(pool)
            if not found.isActive():
                yield PromotionPoolClosed(about=spec.name, pool=pool, reason=_("it is not active"))
                continue
            found.storageVolLookupByName(volume)
        except libvirt.libvirtError as err:
            reason = err.get_error_message()
            yield PromotionPoolClosed(about=spec.name, pool=pool, reason=reason)


def _file_problems(plan: PromotionPlan, spec: DomainSpec) -> Iterator[HoldfastError]:
    """Kernels and firmware; disks that are not the point's, which only a home has."""
    ours = {disk.path for disk in plan.promoted.disks}
    wanted = [*spec.boot_files, spec.firmware.loader, spec.firmware.nvram_template]
    wanted += [disk.source for disk in spec.disks if disk.kind in ("file", "block")]
    for path in dict.fromkeys(wanted):
        if path and path not in ours and not os.path.exists(path):
            yield PromotionFirmwareMissing(about=spec.name, path=path)


def _network_problems(host: Host, plan: PromotionPlan) -> Iterator[HoldfastError]:
    here = networks_here(host)
    for line in plan.lines:
        reason = _reason_against(line, here)
        if reason:
            yield PromotionNetworkMissing(
                about=plan.promoted.name, mac=line.mac, old=line.old or line.mac, reason=reason
            )


def _filter_problems(host: Host, plan: PromotionPlan) -> Iterator[HoldfastError]:
    libvirt = load()
    domain = read_xml(plan.description, root="domain", about=plan.promoted.name)
    found = {each.get("filter", "") for each in domain.iterfind("devices/interface/filterref")}
    for name in sorted(found):
        try:
            host.connection.nwfilterLookupByName(name)
        except libvirt.libvirtError:
            yield PromotionFilterMissing(about=plan.promoted.name, name=name)


def _reason_against(line: Line, here: NetworksHere) -> str:
    if line.because is Because.NOWHERE:
        return _("there is no network at all")
    if line.place is None or line.place.is_bridge or line.place.name in here.networks:
        return ""
    return _("no network {name} is active").format(name=line.place.name)


def _address_problems(host: Host, spec: DomainSpec) -> Iterator[HoldfastError]:
    ours = set(_nics_of(spec))
    for other in specs_of(list_domains(host), running=True):
        if other.uuid == spec.uuid:
            continue
        for nic in _nics_of(other):
            if nic in ours:
                yield PromotionMacTaken(about=spec.name, other=other.name, mac=nic)


def _nics_of(spec: DomainSpec) -> Iterator[str]:
    return (nic.mac for nic in spec.nics if nic.mac and nic.is_link_up and nic.kind != "user")


def _definition_problems(host: Host, plan: PromotionPlan) -> Iterator[HoldfastError]:
    """What libvirt here would refuse, it refuses now and not when the other host has shut it down."""
    trial = Identity(name=f"holdfast-trial-{uuid.uuid4()}", uuid=str(uuid.uuid4()))
    try:
        define_domain(host, with_identity(plan.description, trial))
    except HoldfastError as err:
        yield type(err)(**(err.fields | {"about": plan.promoted.name}))
    finally:
        made = found_or_none(find_by_uuid, host, trial.uuid or "")
        if made is not None:
            made.undefine(keep_nvram=True)
