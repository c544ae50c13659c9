"""The agent: one loop that starts and watches jobs, beside two threads that speak with the server.

The loop alone changes jobs; the threads hand it what they hear. So the machine's own schedule never
waits for the network, and whatever the threads are stuck in, the jobs go on.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.metadata import version

from holdfast.agent import jobs
from holdfast.agent.answering import Answering
from holdfast.agent.asking import points_now, renew_certificate
from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.errors import AgentRunning
from holdfast.agent.followers import Followers
from holdfast.agent.health import health_facts
from holdfast.agent.inventory import Inventory
from holdfast.agent.jobs import Facts, Job
from holdfast.agent.journal import Journal
from holdfast.agent.leases import Leases
from holdfast.agent.link import Identity, Link
from holdfast.agent.listening import Listener
from holdfast.agent.orders import Orders
from holdfast.agent.place import Place
from holdfast.agent.protected import ProtectedVms
from holdfast.agent.replicating import Replicating
from holdfast.agent.running import Program, Runner
from holdfast.agent.scheduling import Scheduler
from holdfast.agent.standing import Standing, StandingFile, process_of
from holdfast.agent.starting import Starter
from holdfast.agent.talking import Talker, Telling
from holdfast.agent.typed_keys import TypedKeys
from holdfast.agent.words import words_for
from holdfast.app.agent_folder import AgentFolder
from holdfast.app.registration_state import Registration, load_registration
from holdfast.app.service_manager import ALIVE, READY, STOPPING, tell
from holdfast.app.vm_here import may_have_vms
from holdfast.base.clock import Clock, SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.secret import Secret
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.messages import Command
from holdfast.fleet.virtual_machines import is_of_recovery, is_of_vm
from holdfast.storage.limiting import Rates

_BUSY, _IDLE = 0.2, 1.0
_LOOK_EVERY = 5.0
_CLEAN_EVERY = 3600.0
_KEPT = timedelta(days=30)
_MORE_GRACE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """All an agent is given by whoever starts it."""

    home: str
    program: Program
    warn: Callable[[str], None]
    clock: Clock = field(default_factory=SystemClock)
    # Where the service manager listens.
    notify: str | None = None
    parallel: int = 2
    grace: float = 30.0
    # The hypervisor whose machines are told of; None: nothing is told.
    libvirt: str | None = None


class Agent:
    """One agent of one home. `run` works until told to stop, `once` until nothing is left to do."""

    def __init__(self, outfit: Outfit) -> None:
        self._outfit = outfit
        self._clock = outfit.clock
        self._place = Place(outfit.home)
        self._registration = load_registration(outfit.home)
        self._place.prepare()
        self._lock = _only_one(self._place)
        self._wake = threading.Event()
        self._journal = Journal(self._place.journal, warn=outfit.warn)
        self._assigned = AssignedPolicies(self._place.policies)
        self._protected = ProtectedVms(outfit.home, warn=outfit.warn)
        self._scheduler = Scheduler(
            self._journal, self._assigned, warn=outfit.warn, protected=self._protected.names
        )
        self._leases = Leases()
        self._rates = Rates.in_file(self._place.rates)
        self._runner = Runner(
            self._place,
            self._journal,
            _with_rates(outfit.program, self._place),
            clock=self._clock,
            on_end=self._job_ended,
            grace=outfit.grace,
        )
        self._link = Link(_identity(outfit.home, self._registration))
        self._keys = TypedKeys(self._link, clock=self._clock)
        self._starter = Starter(
            self._journal,
            self._runner,
            self._leases,
            words_of=self._words_of,
            key_of=self._key_of,
            parallel=outfit.parallel,
            clock=self._clock,
        )
        self._orders = Orders(
            self._journal,
            self._assigned,
            clock=self._clock,
            on_news=self._wake.set,
            warn=outfit.warn,
            protected=self._protected.names,
            fetch_key=self._keys.fetch_for,
        )
        self._replicating = Replicating(
            outfit.home,
            self._link,
            outfit.program,
            clock=self._clock,
            warn=outfit.warn,
            look_again=self._look_for_vms,
        )
        self._talker = Talker(
            self._link,
            self._journal,
            self._assigned,
            self._leases,
            self._telling(),
            clock=self._clock,
        )
        self._inventory = Inventory(
            outfit.home, outfit.program, is_here=self._has_vms, on_news=self._talker.wake
        )
        self._answering = Answering(
            self._link,
            outfit.program,
            self._keys,
            location_of=self._location_of,
            clock=self._clock,
            warn=outfit.warn,
        )
        self._listener = Listener(
            self._link,
            self._take,
            on_silence=self._talker.doubt,
            answer=self._answering.take if outfit.program.answers else None,
        )
        self._followers = Followers(
            outfit.home, outfit.program, clock=self._clock, warn=outfit.warn
        )
        self._standing_file = StandingFile(self._place.standing)
        self._process, self._started_at = process_of(os.getpid()), self._clock.now()
        self._version = version("holdfast")
        self._threads_stop = threading.Event()
        # Set by signal handlers, which must not touch an Event: they may run inside one.
        self._is_stopping = self._is_to_reread = False
        self._next_look = self._next_clean = float("-inf")
        self._seen_version = -1

    def stop(self) -> None:
        """Take no more work, stop the jobs so that they can go on later, and end."""
        self._is_stopping = True

    def reread(self) -> None:
        self._is_to_reread = True

    def run(self) -> None:
        self._take_over()
        threads = [
            threading.Thread(target=one.run, args=(self._threads_stop,), daemon=True)
            for one in (self._talker, self._listener, self._inventory, self._replicating)
        ]
        for thread in threads:
            thread.start()
        self._notify(READY)
        while not self._is_stopping:
            self._turn()
            self._followers.tick()
            self._wake.wait(_BUSY if self._runner.running else _IDLE)
            self._wake.clear()
        self._notify(STOPPING)
        self._end()

    def once(self) -> None:
        """Do what is due now, tell the server, and end: for timers."""
        self._take_over()
        self._talker.step()
        self._listener.step(wait=0)
        while not self._is_stopping:
            self._turn()
            if not self._runner.running and not self._starter.due():
                break
            if self._leases.is_busy:
                self._talker.step()
                if not self._runner.running and not self._starter.can_start_any():
                    break
            self._wake.wait(_BUSY)
            self._wake.clear()
        self._inventory.look()
        self._replicating.step()
        self._end()

    def _turn(self) -> None:
        """Once round: everything that is to be done now."""
        if self._is_to_reread:
            self._is_to_reread = False
            self._assigned.reread()
            self._link.reload()
            self._next_look = float("-inf")
        self._cancel_asked()
        moment = self._clock.monotonic()
        if moment >= self._next_look:
            self._next_look = moment + _LOOK_EVERY
            self._look()
        if moment >= self._next_clean:
            self._next_clean = moment + _CLEAN_EVERY
            self._journal.forget_before(self._clock.now() - _KEPT)
        self._runner.tick()
        self._standing_file.tell(self._standing())
        self._starter.start_due()
        if self._leases.is_busy:
            self._talker.wake()
        if self._journal.version != self._seen_version:
            self._seen_version = self._journal.version
            self._talker.wake()
        self._notify(ALIVE)

    def _look(self) -> None:
        """What the clock has brought."""
        now = self._clock.now()
        self._journal.return_to_disk()
        self._scheduler.trigger(now)
        self._rates.set(up=self._scheduler.rate(now), down=None)
        self._keys.keep_only({job.id for job in self._journal.open_jobs()})
        if self._link.refresh():
            # Registered anew beside us: the server took the certificate of before from this machine.
            self._talker.ask_anew()

    def _take_over(self) -> None:
        """Go on where the last agent of this home was when it ended, however it ended."""
        for job in self._journal.open_jobs():
            if job.state is State.RUNNING:
                self._runner.take_over(job)
        self._runner.sweep()
        for job in self._journal.latest(50):
            # It may have died between a backup and the retention that follows.
            if job.kind is Kind.BACKUP and job.state.is_over:
                self._scheduler.after_backup(job, self._clock.now())
        self._look()

    def _job_ended(self, job: Job) -> None:
        if job.kind is Kind.BACKUP:
            self._scheduler.after_backup(job, self._clock.now())
        if job.kind in (Kind.BACKUP, Kind.RETAIN, Kind.PROTECT):
            self._talker.points_changed()
        is_about_vm = is_of_vm(job.source) or is_of_recovery(job.source)
        if is_about_vm or job.kind is Kind.RESTORE_VM:
            self._inventory.wake()
        self._replicating.wake()

    def _cancel_asked(self) -> None:
        for job_id in self._orders.cancels():
            job = self._journal.find(job_id)
            if job is None or job.state.is_over:
                continue
            if job.state is State.RUNNING:
                self._runner.cancel(job)
            else:
                self._journal.save(jobs.cancelled(job, self._clock.now()))

    def _take(self, command: Command) -> bool:
        """Called by the listener, until the journal is about to be closed."""
        if self._threads_stop.is_set():
            return False
        talker = self._talker
        return self._orders.take(
            command, clock_offset=talker.clock_offset, ask_anew=talker.ask_anew
        )

    def _renew(self) -> None:
        if renew_certificate(self._outfit.program):
            self._link.reload()

    def _words_of(self, job: Job) -> list[str]:
        assigned = self._assigned.find(job.arguments.get("assignment"))
        return words_for(
            job, assigned, location_of=self._location_of, host_of=self._protected.host_of
        )

    def _key_of(self, job: Job) -> Secret | None:
        """Typed by a person for this job; None: the job is about what is this machine's own."""
        return self._keys.of(job.id) if job.arguments.get("ticket") else None

    def _location_of(self, machine: str) -> str:
        """The repository of another machine of this vault."""
        mine = self._registration
        return mine.location_of(mine.gateway_path.replace(mine.machine_id, machine))

    def _telling(self) -> Telling:
        return Telling(
            name=os.uname().nodename,
            version=version("holdfast"),
            facts=self._facts,
            running=self._jobs_at_hand,
            points=lambda: points_now(self._outfit.program),
            cancel=self._orders.cancel,
            renew=self._renew,
            warn=self._outfit.warn,
            vms=lambda: self._inventory.now,
            replication_etag=lambda: self._replicating.etag,
            on_replication=self._replicating.heard,
        )

    def _has_vms(self) -> bool:
        libvirt = self._outfit.libvirt
        return libvirt is not None and may_have_vms(self._outfit.home, libvirt)

    def _look_for_vms(self) -> None:
        self._inventory.wake()

    def _jobs_at_hand(self) -> list[str]:
        """All that the server may still take for open: who is not named here is forgotten."""
        still_open = (job.id for job in self._journal.open_jobs())
        return list(dict.fromkeys((*still_open, *self._journal.undelivered())))

    def _facts(self) -> Facts:
        facts = health_facts(
            self._outfit.home, self._journal, clock_offset=self._talker.clock_offset
        )
        upcoming = self._scheduler.next_runs(self._clock.now())
        return {
            **facts,
            "service": "systemd" if self._outfit.notify else "other",
            "next": {name: at.isoformat(timespec="seconds") for name, at in upcoming.items()},
        }

    def _standing(self) -> Standing:
        talker = self._talker
        return Standing(
            process=self._process,
            version=self._version,
            started_at=self._started_at,
            connection=talker.connection.value,
            since=talker.since,
            trouble=talker.trouble,
            heard_at=talker.heard_at,
            journal=self._journal.trouble,
        )

    def _end(self) -> None:
        self._threads_stop.set()
        self._talker.wake()
        self._inventory.wake()
        self._replicating.wake()
        self._answering.stop()
        self._runner.stop()
        deadline = self._clock.monotonic() + self._outfit.grace + _MORE_GRACE
        self._followers.stop(within=self._outfit.grace)
        while self._is_working() and self._clock.monotonic() < deadline:
            self._runner.tick()
            self._followers.end_late()
            self._wake.wait(_BUSY)
            self._wake.clear()
        self._leases.keep_only(())
        with contextlib.suppress(HoldfastError):
            self._talker.step()
        self._standing_file.tell(replace(self._standing(), process=None))
        self._journal.close()
        self._rates.close()
        os.close(self._lock)

    def _is_working(self) -> bool:
        return bool(self._runner.running) or not self._followers.have_ended()

    def _notify(self, word: str) -> None:
        tell(self._outfit.notify, word)


def _identity(home: str, registration: Registration) -> Identity:
    folder = AgentFolder.of(home)
    return Identity(
        server=registration.server,
        ca=folder.ca,
        certificate=folder.certificate,
        key=folder.key,
        proxy=registration.proxy,
    )


def _with_rates(program: Program, place: Place) -> Program:
    more: Mapping[str, str] = {"HOLDFAST_RATES_FILE": place.rates}
    return replace(program, environment={**program.environment, **more})


def _only_one(place: Place) -> int:
    """A lock that is gone with us, however we go; two agents would do every job twice."""
    descriptor = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        os.close(descriptor)
        raise AgentRunning(folder=place.folder) from err
    return descriptor
