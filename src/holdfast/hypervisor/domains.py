"""Machines of a host: find, define, start, stop, look at."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from holdfast.base.clock import Clock
from holdfast.hypervisor.binding import load
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.errors import VmHasCheckpoints, VmInWrongState, VmMissing
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.hypervisor.states import Standing, State, read_standing
from holdfast.hypervisor.xml_reading import read_xml

_POLL_SECONDS = 0.1


class Domain:
    """A machine, held by its UUID: renamed, restarted or its daemon restarted, it is the same."""

    def __init__(self, host: Host, *, uuid: str, name: str) -> None:
        self.host = host
        self.uuid = uuid
        self.name = name

    def __repr__(self) -> str:
        return f"Domain({self.name!r}, {self.uuid})"

    @contextmanager
    def handle(self) -> Iterator[Any]:
        """Libvirt's own object; its errors in the block become ours."""
        with self.host.asking(self.name) as connection:
            yield connection.lookupByUUIDString(self.uuid)

    def standing(self) -> Standing:
        with self.handle() as domain:
            return read_standing(*domain.state())

    def is_active(self) -> bool:
        with self.handle() as domain:
            return bool(domain.isActive())

    def is_persistent(self) -> bool:
        with self.handle() as domain:
            return bool(domain.isPersistent())

    def xml(self, *, inactive: bool = False, secure: bool = False) -> str:
        """`inactive` is what the next start uses; `secure` contains passwords."""
        libvirt = load()
        flags = libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0
        flags |= libvirt.VIR_DOMAIN_XML_SECURE if secure else 0
        with self.handle() as domain:
            return str(domain.XMLDesc(flags))

    def spec(self, *, inactive: bool = False) -> DomainSpec:
        return read_domain(self.xml(inactive=inactive))

    def start(self, *, paused: bool = False) -> None:
        flags = load().VIR_DOMAIN_START_PAUSED if paused else 0
        with self.handle() as domain:
            domain.createWithFlags(flags)

    def resume(self) -> None:
        with self.handle() as domain:
            domain.resume()

    def suspend(self) -> None:
        """Pause the processors; the machine stays in memory."""
        with self.handle() as domain:
            domain.suspend()

    def ask_to_shut_down(self, *, by_agent: bool = False) -> None:
        """Through the guest agent, or as its power button would; it takes the time it takes."""
        libvirt = load()
        flag = (
            libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT
            if by_agent
            else libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN
        )
        with self.handle() as domain:
            domain.shutdownFlags(flag)

    def destroy(self, *, graceful: bool = False) -> None:
        """Pull the plug. Graceful: fail rather than kill a QEMU that still writes its caches."""
        flag = load().VIR_DOMAIN_DESTROY_GRACEFUL if graceful else 0
        with self.handle() as domain:
            domain.destroyFlags(flag)

    def undefine(self, *, keep_nvram: bool = False, with_checkpoints: bool = False) -> None:
        """`with_checkpoints` forgets them here; the bitmaps stay in the images.

        libvirt itself refuses only for a machine that is off, and lets one that runs lose them.
        """
        libvirt = load()
        flags = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        flags |= (
            libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
            if keep_nvram
            else libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
        )
        if with_checkpoints:
            flags |= libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        with self.handle() as domain:
            held = 0 if with_checkpoints else len(domain.listAllCheckpoints())
            if held:
                raise VmHasCheckpoints(about=self.name, reason=str(held))
            domain.undefineFlags(flags)

    def has_saved_memory(self) -> bool:
        """Whether its next start goes on from a memory that was saved, and that knows its disks."""
        with self.handle() as domain:
            return bool(domain.hasManagedSaveImage(0))

    def forget_memory(self) -> None:
        """Its next start is one from its disks, whether or not a memory was saved."""
        if self.has_saved_memory():
            with self.handle() as domain:
                domain.managedSaveRemove(0)

    def starts_by_itself(self) -> bool:
        with self.handle() as domain:
            return bool(domain.autostart())

    def let_start_by_itself(self, *, never: bool = False) -> None:
        with self.handle() as domain:
            domain.setAutostart(0 if never else 1)

    def wait_until_off(self, clock: Clock, *, within: float) -> None:
        """Wait for a shutdown under way.

        A machine whose daemon was killed in a backup may stay "in shutdown" for ever with no
        process behind it (libvirt 9.0); destroying that harms nothing and heals it.
        """
        deadline = clock.monotonic() + within
        while (standing := self.standing()).is_active:
            if clock.monotonic() >= deadline:
                if standing.state is not State.SHUTTING_DOWN:
                    raise VmInWrongState(about=self.name, reason=standing.state.name.lower())
                self.destroy()
                return
            clock.sleep(_POLL_SECONDS)


def list_domains(host: Host) -> list[Domain]:
    with host.asking() as connection:
        found = connection.listAllDomains()
        return [_wrapped(host, domain) for domain in found]


def specs_of(domains: Iterable[Domain], *, running: bool = False) -> Iterator[DomainSpec]:
    """All of them, or those that run; a machine that goes while we look is none."""
    for domain in domains:
        with suppress(VmMissing):
            if not running or domain.is_active():
                yield domain.spec()


def find_domain(host: Host, name_or_uuid: str) -> Domain:
    """By name, then by UUID: a name may look like a UUID, and people type names."""
    libvirt = load()
    with host.asking(name_or_uuid) as connection:
        try:
            return _wrapped(host, connection.lookupByName(name_or_uuid))
        except libvirt.libvirtError as err:
            if err.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
        return _by_uuid(host, connection, name_or_uuid)


def find_by_uuid(host: Host, uuid: str) -> Domain:
    """By UUID alone: another one may have it as its name."""
    with host.asking(uuid) as connection:
        return _by_uuid(host, connection, uuid)


def define_domain(host: Host, xml: str) -> Domain:
    """Define it, or replace the definition of the machine with the same name and UUID."""
    name = _name_in(xml)
    with host.asking(name) as connection:
        return _wrapped(host, connection.defineXML(xml))


def _by_uuid(host: Host, connection: Any, uuid: str) -> Domain:
    libvirt = load()
    try:
        return _wrapped(host, connection.lookupByUUIDString(uuid))
    except libvirt.libvirtError as err:
        # What is no UUID at all was a name, and nobody has it.
        if err.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_INVALID_ARG):
            raise VmMissing(about=uuid) from err
        raise


def _wrapped(host: Host, domain: Any) -> Domain:
    return Domain(host, uuid=domain.UUIDString(), name=domain.name())


def _name_in(xml: str) -> str:
    return read_xml(xml, root="domain", about="VM").findtext("name") or "VM"
