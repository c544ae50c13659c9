"""The process that replicates the machines of this host."""

from collections.abc import Callable

from holdfast.app import vm_records
from holdfast.app.recovery_here import own_id
from holdfast.app.registration_state import find_registration
from holdfast.app.replication_peers import Peers
from holdfast.app.replication_process import Work, alone
from holdfast.app.stop_signals import stopped_by_signals
from holdfast.app.wiring import Session
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain
from holdfast.machines.downgrades import downgrade
from holdfast.machines.extension.hooks import ExtensionHooks
from holdfast.machines.extension.in_guest import InGuest
from holdfast.machines.file_system_freeze import FreezeLimits
from holdfast.machines.freezing import quiet
from holdfast.machines.stillness import AsItIs, Stillness
from holdfast.recovery.live_source import LiveSources
from holdfast.recovery.source_side import source_side
from holdfast.replication.replicator_tools import Tools
from holdfast.replication.replicators import Replicators
from holdfast.replication.source_folder import replicated_here

_TICK = 0.5


def replicate(session: Session, *, is_agents: bool, on_start: Callable[[int], None]) -> None:
    """Returns when it is told to; a step that is under way ends or is undone."""
    home = session.settings.home
    with alone(home, Work.RUN, is_agents=is_agents), stopped_by_signals() as stop:
        on_start(len(replicated_here(home)))
        follow(session, stop.is_set)


def follow(session: Session, is_over: Callable[[], bool]) -> None:
    """With the lock held by the caller."""
    peers = Peers(session)
    replicators = Replicators(tools_of(session, peers))
    try:
        replicators.start()
        try:
            while not is_over():
                peers.refresh()
                session.clock.sleep(_TICK)
        finally:
            replicators.stop()
    finally:
        peers.close()


def tools_of(session: Session, peers: Peers) -> Tools:
    settings = session.settings
    registration = find_registration(settings.home)
    live = LiveSources(settings.home, session.clock, door=peers.door, limit=peers.limit)
    own = own_id(settings.home)
    obeying = source_side(settings.home, session.clock, handlers=live.handlers, machine=own)
    return Tools(
        home=settings.home,
        clock=session.clock,
        machine=registration.machine_id if registration else "",
        hypervisor=settings.libvirt,
        connect=Host.open,
        door=peers.door,
        hang_up=peers.close,
        scratch=settings.vm_scratch,
        stillness=lambda domain, _settings: stillness_of(session, domain),
        limit=peers.limit,
        zone=peers.zone,
        on_order=live.around(obeying),
        warn=session.warn,
    )


def stillness_of(session: Session, domain: Domain) -> Stillness:
    """For a point that is to be consistent, as it is kept with the protection of the machine."""
    kept = vm_records.load(session.settings.home, domain.uuid)
    if kept is not None and kept.freeze.never:
        return AsItIs(downgrade("freeze-never"))
    hooks = ExtensionHooks(InGuest(domain, session.clock))
    limits = FreezeLimits(mountpoints=kept.freeze.mounts if kept else ())
    return quiet(domain, session.clock, home=session.settings.home, hooks=hooks, limits=limits)
