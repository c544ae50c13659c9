"""The virtual machines of a host: which there are, which are protected, and what is against it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from holdfast.app import vm_records
from holdfast.app.vm_look import look_at
from holdfast.app.vm_records import Protection
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain, list_domains
from holdfast.hypervisor.errors import VmMissing
from holdfast.machines.preflight import Limits, MachineSeen, Sheet, plan_sheet

# A silent agent is waited for, and so are images on slow storage.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Vm:
    """One machine: what was seen and decided, or why it could not be looked at."""

    name: str
    uuid: str
    seen: MachineSeen | None = None
    sheet: Sheet | None = None
    error: HoldfastError | None = None
    protection: Protection | None = None


def limits_of(session: Session, *, max_disk: int | None = None) -> Limits:
    return Limits(largest_disk=max_disk or session.settings.vm_max_disk)


@contextmanager
def opened_host(session: Session) -> Iterator[Host]:
    with Host.open(session.settings.libvirt) as host:
        yield host


def list_vms(session: Session, limits: Limits) -> list[Vm]:
    """Every machine of the host, and those that are protected but gone from it."""
    home = session.settings.home
    kept = {one.uuid: one for one in vm_records.load_all(home)}
    with opened_host(session) as host, ThreadPoolExecutor(_AT_ONCE) as pool:
        domains = sorted(list_domains(host), key=lambda one: one.name)
        here = list(pool.map(lambda one: _looked(one, limits, kept.get(one.uuid)), domains))
    known = {one.uuid for one in here}
    gone = [one for one in kept.values() if one.uuid not in known and _is_of(session, one)]
    return here + [_gone(one) for one in gone]


def show_vm(session: Session, name: str, limits: Limits) -> Vm:
    with opened_host(session) as host:
        domain = find_domain(host, name)
        protection = vm_records.load(session.settings.home, domain.uuid)
        seen = look_at(domain)
    return _vm(domain, seen, limits, protection)


def find_protection(session: Session, name: str) -> Protection | None:
    """Also of a machine that is gone."""
    kept = vm_records.load_all(session.settings.home)
    return next((one for one in kept if name in (one.name, one.uuid)), None)


def _is_of(session: Session, protection: Protection) -> bool:
    return protection.host == session.settings.libvirt


def _gone(protection: Protection) -> Vm:
    error = VmMissing(about=protection.name)
    return Vm(name=protection.name, uuid=protection.uuid, error=error, protection=protection)


def _looked(domain: Domain, limits: Limits, protection: Protection | None) -> Vm:
    """One that cannot be looked at must not hide the others."""
    try:
        return _vm(domain, look_at(domain), limits, protection)
    except HoldfastError as err:
        return Vm(name=domain.name, uuid=domain.uuid, error=err, protection=protection)


def _vm(domain: Domain, seen: MachineSeen, limits: Limits, protection: Protection | None) -> Vm:
    sheet = plan_sheet(seen, limits)
    return Vm(name=domain.name, uuid=domain.uuid, seen=seen, sheet=sheet, protection=protection)
