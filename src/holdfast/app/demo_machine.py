"""The demonstration with a virtual machine: protected, changed, destroyed, and back in seconds."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from holdfast.app.demo_host import HostTold, demo_host, require_host_tools
from holdfast.app.opening import open_vault
from holdfast.app.points import PointFilter, find_point
from holdfast.app.setup_errors import DemoFailed
from holdfast.app.vm_backup import VmBackupOptions, back_up_machine
from holdfast.app.vm_boot import Booted, BootOptions, boot_point, end_boot
from holdfast.app.vm_boots import list_boots
from holdfast.app.vm_files import InsideRequest, copy_inside
from holdfast.app.vm_protect import TITLES, Wanted
from holdfast.app.vm_records import Step
from holdfast.app.vm_works import protect
from holdfast.app.vms import limits_of
from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_programs import GuestPrograms
from holdfast.machines.boot_records import Boot
from holdfast.machines.inside_errors import InsideNeedsRoot
from holdfast.machines.point_writer import TAG
from holdfast.machines.vm_job import VmReport

Say = Callable[[str], None]

# On the first disk of the machine, which is destroyed, and so is all beside it.
_FILE = "ledger.txt"
_WRITE = f"seq 1 4000 >/a/{_FILE}; sync; cat /a/{_FILE}"
_DESTROY = "dd if=/dev/urandom of=/dev/vda bs=1M count=48 conv=fsync 2>/dev/null"
_READ = f"cat /a/{_FILE}"
_BOOTING = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineShown:
    """What was measured; `missing` is what could not be tried, and why."""

    size: int
    second: VmReport
    seconds_to_running: float
    seconds_to_up: float
    proofs: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def show_machine(session: Session, folder: Path, say: Say) -> MachineShown:
    """Raises NoHostHere where no machine can be had; nothing of it is left in any case."""
    require_host_tools(session)
    say(_("Starting a host and a virtual machine of the demonstration's own"))
    with demo_host(session, folder / "host.log") as told:
        settings = replace(
            session.settings, libvirt=told.uri, vm_scratch=str(Path(told.folder, "scratch"))
        )
        own = replace(session, settings=settings)
        with _booted_ended(own):
            return _Showing(own, told, folder, say).run()


@contextlib.contextmanager
def _booted_ended(session: Session) -> Iterator[None]:
    """Whatever was booted from the vault goes with the block, and the process that serves it."""
    try:
        yield
    finally:
        for seen in list_boots(session):
            end_boot(session, seen.boot.name)


class _Showing:
    def __init__(self, session: Session, told: HostTold, folder: Path, say: Say) -> None:
        self._session = session
        self._told = told
        self._folder = folder
        self._say = say
        self._proofs: list[str] = []
        self._missing: list[str] = []

    def run(self) -> MachineShown:
        self._protect()
        wanted = self._change()
        second = self._back_up()
        self._destroy()
        booted = self._boot()
        self._prove_in_guest(booted, wanted)
        self._prove_file(wanted)
        return MachineShown(
            size=_size(second),
            second=second,
            seconds_to_running=booted.seconds_to_running,
            seconds_to_up=booted.seconds_to_up or 0.0,
            proofs=self._proofs,
            missing=self._missing,
        )

    def _tell(self, detail: str) -> None:
        self._say(f"  {detail}")

    def _protect(self) -> None:
        self._say(_("Protecting it while it runs"))

        def on_step(step: Step) -> None:
            title = _(TITLES[step.name])
            self._tell(f"{title}: {step.said}" if step.said else title)

        wanted = Wanted(limits=limits_of(self._session))
        protect(self._session, self._told.uuid, wanted, on_step=on_step)

    def _change(self) -> bytes:
        self._say(_("Changing a file in it, and backing up what changed"))
        return self._in_guest(self._told.uuid, _WRITE)

    def _back_up(self) -> VmReport:
        report = back_up_machine(
            self._session, VmBackupOptions(vm=self._told.uuid, host=self._told.name)
        )
        read, size = format_size(report.bytes_read), format_size(_size(report))
        sentence = _("{read} read of {size}; held still for {ms:.0f} ms")
        self._tell(sentence.format(read=read, size=size, ms=report.freeze_ms))
        return report

    def _destroy(self) -> None:
        self._say(_("Overwriting its first disk with noise, and pulling its plug"))
        self._in_guest(self._told.uuid, _DESTROY)
        with Host.open(self._session.settings.libvirt) as host:
            find_domain(host, self._told.uuid).destroy()

    def _boot(self) -> Booted:
        self._say(_("Booting it from the vault"))

        def on_running(boot: Boot, seconds: float) -> None:
            sentence = _("{name} runs after {seconds:.1f} s, its disks read out of the vault")
            self._tell(sentence.format(name=boot.name, seconds=seconds))

        options = BootOptions(
            point="latest",
            vm=self._told.name,
            pool=str(Path(self._told.folder, "images")),
            within=_BOOTING,
        )
        booted = boot_point(self._session, options, on_running=on_running)
        if booted.seconds_to_up is None:
            raise DemoFailed(what="vm boot", seen=_("the guest agent does not answer"))
        return booted

    def _prove_in_guest(self, booted: Booted, wanted: bytes) -> None:
        if self._in_guest(booted.boot.uuid, _READ) != wanted:
            raise DemoFailed(what="vm boot", seen=_FILE)
        sentence = _(
            "`holdfast vm boot`: the destroyed machine answered after {seconds:.1f} s, "
            "and the file in it is as it was"
        )
        self._proofs.append(sentence.format(seconds=booted.seconds_to_up))

    def _prove_file(self, wanted: bytes) -> None:
        self._say(_("Fetching one file out of a disk in the vault"))
        repository = open_vault(self._session)
        mark = PointFilter(tags=(TAG,), paths=(f"/vm/{self._told.name}",))
        target = self._folder / "out-of-a-disk"
        try:
            copy_inside(
                self._session,
                repository,
                find_point(repository, "latest", mark),
                InsideRequest(path=f"vda/{_FILE}"),
                folder=target,
            )
        except InsideNeedsRoot as err:
            # A container without loop devices.
            self._missing.append(str(err))
            return
        if (target / _FILE).read_bytes() != wanted:
            raise DemoFailed(what="vm files", seen=_FILE)
        self._proofs.append(_("`holdfast vm files`: the file came back alone, the same"))

    def _in_guest(self, uuid: str, script: str) -> bytes:
        return in_guest(self._session, self._session.settings.libvirt, uuid, script)


def in_guest(session: Session, uri: str, uuid: str, script: str) -> bytes:
    """What it prints."""
    with Host.open(uri) as host:
        domain = find_domain(host, uuid)
        programs = GuestPrograms(GuestAgent(domain), session.clock, about=domain.name)
        ended = programs.run(["/bin/sh", "-c", script], within=_BOOTING)
    if ended.status:
        raise DemoFailed(what=script, seen=ended.err.decode(errors="replace"))
    return ended.out


def _size(report: VmReport) -> int:
    return sum(disk.size for disk in report.disks)
