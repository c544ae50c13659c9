"""Profile the machines of a host: look at what each is, then at what it writes."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from holdfast.app import vm_records
from holdfast.app.vm_look import look_at
from holdfast.app.vms import limits_of, opened_host
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.block_statistics import MachineCounters
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_disks import DiskSize, disk_size
from holdfast.hypervisor.domains import Domain, find_by_uuid, find_domain, list_domains
from holdfast.machines.preflight import MachineSeen, plan_sheet
from holdfast.machines.tracking import Tracking
from holdfast.replication.planner.dirty_windows import DirtyWindows, Owner, leave_nothing
from holdfast.replication.planner.kept_facts import kept_facts, never_recorded
from holdfast.replication.planner.machine_facts import MachineFacts
from holdfast.replication.planner.profile_errors import NothingToProfile
from holdfast.replication.planner.profile_folder import ProfileFolder, all_profiles
from holdfast.replication.planner.profiling import Profiling, Seen, Watched, profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileWish:
    # Names or UUIDs; none: all there are, and all that come.
    vms: tuple[str, ...] = ()
    # None: until it is ended.
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Who hears of it; called in the order of the work."""

    is_over: Callable[[], bool]
    on_begun: Callable[[Sequence[MachineFacts]], None]
    on_seen: Callable[[Seen], None]


def profile_machines(session: Session, wish: ProfileWish, telling: Telling) -> Seen:
    with opened_host(session) as host, contextlib.ExitStack() as held:
        bench = _Bench(session, host, held)
        bench.clean_up()
        domains = _wanted(host, wish.vms)
        watched = {one.uuid: bench.watch(one) for one in domains}
        telling.on_begun(bench.facts)
        work = Profiling(
            host=host,
            clock=session.clock,
            is_over=telling.is_over,
            seconds=None if wish.lasts is None else wish.lasts.total_seconds(),
            on_seen=telling.on_seen,
            on_new=bench.watch_new if not wish.vms else lambda _: None,
        )
        seen = profile(work, watched)
        bench.look_again()
        return seen


def _wanted(host: Host, names: tuple[str, ...]) -> list[Domain]:
    found = [find_domain(host, name) for name in names] if names else list_domains(host)
    if not found:
        raise NothingToProfile(host=host.uri)
    return sorted({one.uuid: one for one in found}.values(), key=lambda one: one.name)


class _Bench:
    """Makes machines watched; their folders are held until the profile is over."""

    def __init__(self, session: Session, host: Host, held: contextlib.ExitStack) -> None:
        self._session = session
        self._host = host
        self._held = held
        self.facts: list[MachineFacts] = []
        self._refused = set[str]()
        self._watched: list[tuple[Domain, ProfileFolder, Tracking]] = []

    def clean_up(self) -> None:
        """What profiles that were killed have left, also of machines not asked for now."""
        for folder in all_profiles(self._session.settings.home):
            # Held by another profile, gone, or off: it stays in mind.
            with contextlib.suppress(HoldfastError):
                if folder.checkpoints():
                    domain = find_by_uuid(self._host, folder.uuid)
                    with folder.held(domain.name):
                        leave_nothing(self._owner(domain, folder))

    def watch(self, domain: Domain) -> Watched:
        folder = ProfileFolder(self._session.settings.home, domain.uuid)
        self._held.enter_context(folder.held(domain.name))
        tracking = self._tracking_of(domain)
        facts = self._facts_of(domain, tracking)
        folder.keep_machine(facts)
        self.facts.append(facts)
        self._watched.append((domain, folder, tracking))
        never = never_recorded(facts, tracking)
        return Watched(domain.name, folder, DirtyWindows(self._owner(domain, folder), never))

    def look_again(self) -> None:
        """Disks have come, gone and grown meanwhile."""
        for domain, folder, tracking in self._watched:
            # One that is gone stays as it was.
            with contextlib.suppress(HoldfastError):
                folder.keep_machine(self._facts_of(domain, tracking))

    def watch_new(self, seen: MachineCounters) -> Watched | None:
        if seen.uuid in self._refused:
            return None
        try:
            return self.watch(find_by_uuid(self._host, seen.uuid))
        except HoldfastError as err:
            # Told once; the others are profiled all the same.
            self._refused.add(seen.uuid)
            self._session.warn(str(err))
            return None

    def _owner(self, domain: Domain, folder: ProfileFolder) -> Owner:
        home, clock = self._session.settings.home, self._session.clock
        return Owner(domain=domain, folder=folder, home=home, clock=clock)

    def _facts_of(self, domain: Domain, tracking: Tracking) -> MachineFacts:
        seen = look_at(domain)
        return kept_facts(
            plan_sheet(seen, limits_of(self._session)),
            seen,
            _sizes(domain, seen),
            tracking=tracking,
            host=self._host.uri,
            at=self._session.clock.now(),
        )

    def _tracking_of(self, domain: Domain) -> Tracking:
        protection = vm_records.load(self._session.settings.home, domain.uuid)
        return Tracking(protection.tracking) if protection else Tracking.AUTO


def _sizes(domain: Domain, seen: MachineSeen) -> dict[str, DiskSize]:
    found = {}
    for disk in seen.spec.data_disks:
        with contextlib.suppress(HoldfastError):
            found[disk.target] = disk_size(domain, disk.target)
    return found
