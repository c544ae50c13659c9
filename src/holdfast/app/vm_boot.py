"""The use case "boot": a machine runs in seconds from a point, its disks read out of the vault."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from holdfast.app import locking
from holdfast.app.boot_server import end_unrecorded, handed, start_server, wait_until_served
from holdfast.app.job_records import recorded
from holdfast.app.opening import open_vault
from holdfast.app.points import PointFilter, find_point
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.connection import Host, is_here
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import Domain
from holdfast.machines.boot_ending import end_server, remove_files, remove_machine
from holdfast.machines.boot_errors import BootHostElsewhere, PointWithoutDescription
from holdfast.machines.boot_plan import BootPlan, description_of, new_uuid
from holdfast.machines.boot_records import Boot, Boots, Stage
from holdfast.machines.booting import make_folder, start, wait_for_agent
from holdfast.machines.first_point import write_first_point
from holdfast.machines.nodes import file_name
from holdfast.machines.point_reader import PointReader
from holdfast.machines.point_writer import TAG, WriterOptions
from holdfast.machines.vm_state import NVRAM, TPM
from holdfast.vault.held_lock import HeldLock

POOL = "/var/lib/libvirt/images"
AGENT_SECONDS = 600.0
_DESCRIPTION = "domain.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class BootOptions:
    """`point` is an id or "latest", then of the machine `vm` if one is named."""

    point: str
    vm: str | None = None
    name: str | None = None
    pool: str = POOL
    isolated: bool = False
    is_check: bool = False
    # Seconds to wait for the agent; 0: not at all.
    within: float = AGENT_SECONDS


@dataclass(slots=True, kw_only=True)
class Ready:
    """All is there but the machine; `began` is when the command did.

    Once `is_kept`, no error and no Ctrl-C ends the machine any more: people may be at work on it.
    """

    host: Host
    boots: Boots
    plan: BootPlan
    origin: PointReader
    lock: HeldLock
    began: float
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """`seconds_to_up` is None where nobody waited or nobody answered in time."""

    boot: Boot
    seconds_to_running: float
    seconds_to_up: float | None
    has_agent: bool
    first_point: str | None
    server: int | None


def boot_point(
    session: Session, options: BootOptions, *, on_running: Callable[[Boot, float], None]
) -> Booted:
    """Boot it, protected from its first instant; when it cannot be done nothing is left."""
    with recorded(session, "vm-boot"), prepared(session, options) as ready:
        domain = start(ready.host, ready.plan)
        running = session.clock.monotonic() - ready.began
        ready.boots.save(msgspec.structs.replace(ready.plan.boot, stage=Stage.RUNNING))
        ready.is_kept = True
        on_running(ready.plan.boot, running)
        first = _first_point(session, ready, domain)
        up = _up(session, ready, domain, options.within)
        return Booted(
            boot=ready.plan.boot,
            seconds_to_running=running,
            seconds_to_up=up,
            has_agent=ready.plan.has_agent,
            first_point=first,
            server=ready.boots.server(ready.plan.boot.uuid),
        )


@contextlib.contextmanager
def prepared(session: Session, options: BootOptions) -> Iterator[Ready]:
    """A served point and a plan; an error in the block ends all that was made."""
    began = session.clock.monotonic()
    host_uri = session.settings.libvirt
    if not is_here(host_uri):
        raise BootHostElsewhere(uri=host_uri)
    boots, uuid = Boots(session.settings.home), new_uuid()
    with contextlib.ExitStack() as stack:
        way = stack.enter_context(handed(session))
        stack.callback(_forget_unrecorded, boots, uuid)
        server = start_server(way, boots, uuid)
        try:
            repository = open_vault(way.session)
            lock = stack.enter_context(locking.held(repository, settle_later=True))
            wanted = _filter(options)
            origin = PointReader(repository, find_point(repository, options.point, wanted))
            host = stack.enter_context(Host.open(host_uri))
            plan = _plan(way.session, origin, options, uuid)
            _claim(boots, plan.boot)
        except BaseException:
            end_unrecorded(server)
            raise
        stack.enter_context(boots.making(uuid, name=plan.boot.name))
        ready = Ready(host=host, boots=boots, plan=plan, origin=origin, lock=lock, began=began)
        try:
            wait_until_served(way.session, boots, plan.boot, server)
            yield ready
        except BaseException:
            if not ready.is_kept:
                end(way.session, boots, plan.boot, host=host)
            raise


def end_boot(session: Session, name: str) -> tuple[Boot, bool]:
    """End a machine and all that was made for it, whatever of it is left; whether it was there."""
    boots = Boots(session.settings.home)
    boot = boots.find(name)
    with Host.open(boot.host) as host:
        return boot, end(session, boots, boot, host=host)


def end(session: Session, boots: Boots, boot: Boot, *, host: Host) -> bool:
    """The record goes last: what could not be ended is still named by it."""
    was_there = remove_machine(host, boot)
    end_server(boots, boot, session.clock)
    remove_files(boot)
    boots.forget(boot.uuid)
    return was_there


def _plan(session: Session, origin: PointReader, options: BootOptions, uuid: str) -> BootPlan:
    point = origin.snapshot.id
    if _DESCRIPTION not in origin.files:
        raise PointWithoutDescription(point=point, reason=_DESCRIPTION)
    xml = origin.read_file(_DESCRIPTION).decode(errors="replace")
    name = options.name or f"{origin.facts.name}-{point[:8]}"
    for each in (name, *origin.disks):
        # They come out of a vault, and become names of files.
        file_name(each)
    boot = Boot(
        uuid=uuid,
        name=name,
        host=session.settings.libvirt,
        vault=session.settings.vault or "",
        point=point,
        folder=os.path.join(os.path.abspath(options.pool), name),
        targets=origin.disks,
        made_at=session.clock.now(),
        checkpoint="" if options.is_check else new_name(),
        is_check=options.is_check,
    )
    description = description_of(xml, boot, is_isolated=options.isolated)
    spec = read_domain(description)
    has_tpm = spec.tpm is not None and spec.tpm.backend == "emulator"
    return BootPlan(
        boot=boot,
        description=description,
        sizes={target: origin.disk(target).blocks.size for target in origin.disks},
        nvram=origin.read_file(NVRAM) if NVRAM in origin.files else None,
        tpm=origin.read_file(TPM) if TPM in origin.files and has_tpm else None,
        has_agent=spec.has_agent_channel,
    )


def _claim(boots: Boots, boot: Boot) -> None:
    """The folder first: were it another's, ending the machine must not empty it."""
    make_folder(boot)
    try:
        boots.add(boot)
    except BaseException:
        os.rmdir(boot.folder)
        raise


def _forget_unrecorded(boots: Boots, uuid: str) -> None:
    if boots.known(uuid) is None:
        boots.forget(uuid)


def _filter(options: BootOptions) -> PointFilter:
    paths = () if options.vm is None else (f"/vm/{options.vm}",)
    return PointFilter(tags=(TAG,), paths=paths)


def _first_point(session: Session, ready: Ready, domain: Domain) -> str | None:
    """Without it the machine runs as well; its first backup then reads all of it."""
    settings = WriterOptions(
        host=ready.origin.snapshot.host, workers=1, still_ours=ready.lock.check
    )
    try:
        report = write_first_point(
            ready.origin,
            ready.plan.boot,
            settings,
            description=domain.xml(inactive=True, secure=True).encode(),
            taken_at=session.clock.now(),
        )
    except HoldfastError as err:
        problem = _("{name} runs, but its first recovery point could not be made: {reason}")
        session.warn(problem.format(name=domain.name, reason=err))
        return None
    return report.snapshot


def _up(session: Session, ready: Ready, domain: Domain, within: float) -> float | None:
    if not ready.plan.has_agent or not within:
        return None
    if wait_for_agent(domain, session.clock, within=within):
        return session.clock.monotonic() - ready.began
    return None
