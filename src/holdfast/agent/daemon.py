"""The agent: one loop that starts and watches jobs, beside two threads that speak with the server.

The loop alone changes jobs; the threads hand it what they hear. So the machine's own schedule never
waits for the network, and whatever the threads are stuck in, the jobs go on.
"""

import contextlib
import fcntl
import json
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import version

from holdfast.agent import jobs
from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.errors import AgentRunning
from holdfast.agent.health import health_facts
from holdfast.agent.jobs import Facts, Job
from holdfast.agent.journal import Journal
from holdfast.agent.leases import Leases
from holdfast.agent.link import Identity, Link
from holdfast.agent.listening import Listener
from holdfast.agent.place import Place
from holdfast.agent.running import Program, Runner
from holdfast.agent.scheduling import Scheduler, accept, command_job
from holdfast.agent.talking import Talker, Telling
from holdfast.agent.words import words_for
from holdfast.app.agent_folder import AgentFolder
from holdfast.app.processes import ask_tool
from holdfast.app.registration_state import Registration, load_registration
from holdfast.app.service_manager import ALIVE, READY, STOPPING, tell
from holdfast.base.clock import Clock, SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.fleet.arguments import read_arguments
from holdfast.fleet.jobs import Kind, State
from holdfast.fleet.messages import Command, PointsTold, PointTold
from holdfast.storage.limiting import Rates

_CANCEL = "cancel"
_BUSY, _IDLE = 0.2, 1.0
_LOOK_EVERY = 5.0
_CLEAN_EVERY = 3600.0
_KEPT = timedelta(days=30)
_ASK_TIMEOUT = 300.0
_MORE_GRACE = 5.0
_TRIES = 10


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


class Agent:
    """One agent of one home. `run` works until told to stop, `once` until nothing is left to do."""

    def __init__(self, outfit: Outfit) -> None:
        self._outfit = outfit
        self._clock = outfit.clock
        self._place = Place(outfit.home)
        self._registration = load_registration(outfit.home)
        self._place.prepare()
        self._lock = _only_one(self._place)
        self._journal = Journal(self._place.journal, warn=outfit.warn)
        self._assigned = AssignedPolicies(self._place.policies)
        self._scheduler = Scheduler(self._journal, self._assigned, warn=outfit.warn)
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
        self._talker = Talker(
            self._link,
            self._journal,
            self._assigned,
            self._leases,
            self._telling(),
            clock=self._clock,
        )
        self._listener = Listener(self._link, self._take)
        self._tries: dict[int, int] = {}
        self._cancels: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._wake = threading.Event()
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
            for one in (self._talker, self._listener)
        ]
        for thread in threads:
            thread.start()
        self._notify(READY)
        while not self._is_stopping:
            self._turn()
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
            if not self._runner.running and not self._has_work():
                break
            if self._leases.is_busy:
                self._talker.step()
                if not self._runner.running and not self._can_start():
                    break
            self._wake.wait(_BUSY)
            self._wake.clear()
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
        self._start_due()
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

    def _take_over(self) -> None:
        """Go on where the last agent of this home was when it ended, however it ended."""
        for job in self._journal.open_jobs():
            if job.state is State.RUNNING:
                self._runner.take_over(job)
        for job in self._journal.latest(50):
            # It may have died between a backup and the retention that follows.
            if job.kind is Kind.BACKUP and job.state.is_over:
                self._scheduler.after_backup(job, self._clock.now())
        self._look()

    def _due(self) -> list[Job]:
        now = self._clock.now()
        return [
            job
            for job in self._journal.open_jobs()
            if job.state is State.WAITING and (job.next_try is None or job.next_try <= now)
        ]

    def _has_work(self) -> bool:
        return bool(self._due())

    def _can_start(self) -> bool:
        return any(self._may_start(job) for job in self._due())

    def _start_due(self) -> None:
        running, due = self._runner.running, self._due()
        self._leases.keep_only({job.id for job in (*running, *due)})
        sources = {job.source for job in running}
        for job in due:
            if len(self._runner.running) >= self._outfit.parallel or self._is_stopping:
                return
            if job.source not in sources and self._may_start(job):
                sources.add(job.source)
                self._start(job)

    def _may_start(self, job: Job) -> bool:
        if job.kind not in jobs.NEED_LEASE or job.arguments.get("dry_run"):
            return True
        if self._leases.is_held(job.id, self._clock.now()):
            return True
        self._leases.want(job.id, job.kind.value)
        refusal = self._leases.refusal(job.id)
        if refusal is not None and (job.error or {}).get("message") != refusal:
            error = {"code": "lease-refused", "message": refusal, "retry": "later"}
            self._journal.save(replace(job, error=error))
        self._talker.wake()
        return False

    def _start(self, job: Job) -> None:
        try:
            assigned = self._assigned.find(job.arguments.get("assignment"))
            words = words_for(job, assigned, location_of=self._location_of)
        except HoldfastError as err:
            self._fail(job, err)
            return
        self._runner.start(job, words)

    def _fail(self, job: Job, err: HoldfastError) -> None:
        error = {"code": err.code, "message": str(err), "remedy": err.advice, "retry": "never"}
        now = self._clock.now()
        self._journal.save(replace(job, state=State.FAILED, error=error, ended_at=now))

    def _job_ended(self, job: Job) -> None:
        if job.kind is Kind.BACKUP:
            self._scheduler.after_backup(job, self._clock.now())
        if job.kind in (Kind.BACKUP, Kind.RETAIN):
            self._talker.points_changed()

    def _cancel_asked(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._journal.find(self._cancels.get_nowait())
                if job is None or job.state.is_over:
                    continue
                if job.state is State.RUNNING:
                    self._runner.cancel(job)
                else:
                    self._journal.save(jobs.cancelled(job, self._clock.now()))

    def _take(self, command: Command) -> bool:
        """Called by the listener: whether the command is taken, on disk and for good."""
        if self._threads_stop.is_set():
            return False
        if command.kind == _CANCEL:
            self._ask_to_cancel(command.job_id)
            return True
        now = self._clock.now()
        expires = command.expires_at
        if expires is not None and expires <= now + self._talker.clock_offset:
            return False
        try:
            kind = Kind(command.kind)
            arguments = read_arguments(kind, command.arguments)
            assigned = self._assigned.find(arguments.get("assignment"))
            if arguments.get("assignment") and assigned is None and self._may_come(command):
                return False
            job = command_job(kind, command.job_id, arguments, assigned=assigned, now=now)
        except (ValueError, HoldfastError) as err:
            warning = _("a command of the server was not understood: {reason}")
            self._outfit.warn(warning.format(reason=err))
            return True
        accept(self._journal, job, now)
        self._wake.set()
        return True

    def _may_come(self, command: Command) -> bool:
        """A command can be quicker than the assignment it is about; some tries, and it is gone."""
        tries = self._tries.get(command.number, 0) + 1
        self._tries[command.number] = tries
        self._talker.ask_anew()
        return tries <= _TRIES

    def _ask_to_cancel(self, job_id: str) -> None:
        self._cancels.put(job_id)
        self._wake.set()

    def _location_of(self, machine: str) -> str:
        """The repository of another machine of this vault."""
        mine = self._registration
        return mine.location_of(mine.gateway_path.replace(mine.machine_id, machine))

    def _telling(self) -> Telling:
        return Telling(
            name=os.uname().nodename,
            version=version("holdfast"),
            facts=self._facts,
            running=lambda: [job.id for job in self._runner.running],
            points=self._points,
            cancel=self._ask_to_cancel,
            renew=self._renew,
            warn=self._outfit.warn,
        )

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

    def _points(self) -> PointsTold | None:
        done = self._ask("points", "--json")
        return None if done is None else PointsTold(points=list(_told_points(done)))

    def _renew(self) -> None:
        if self._ask("agent", "renew", "--json") is not None:
            self._link.reload()

    def _ask(self, *words: str) -> bytes | None:
        """What one of our own commands prints; None where it could not do it."""
        program = self._outfit.program
        done = ask_tool(
            [*program.plain, *words], environment=program.environment, timeout=_ASK_TIMEOUT
        )
        return done.said if done is not None and done.status == 0 else None

    def _end(self) -> None:
        self._threads_stop.set()
        self._talker.wake()
        self._runner.stop()
        deadline = self._clock.monotonic() + self._outfit.grace + _MORE_GRACE
        while self._runner.running and self._clock.monotonic() < deadline:
            self._runner.tick()
            self._wake.wait(_BUSY)
            self._wake.clear()
        self._leases.keep_only(())
        with contextlib.suppress(HoldfastError):
            self._talker.step()
        self._journal.close()
        self._rates.close()
        os.close(self._lock)

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
    path = os.path.join(place.folder, "agent.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        os.close(descriptor)
        raise AgentRunning(folder=place.folder) from err
    return descriptor


def _told_points(said: bytes) -> Iterator[PointTold]:
    for line in said.splitlines():
        event = json.loads(line)
        if event.get("event") == "point":
            yield PointTold(
                id=event["id"],
                taken_at=datetime.fromisoformat(event["time"]),
                host=event["host"],
                paths=event["paths"],
                tags=event["tags"],
                bytes_total=event["bytes"],
                bytes_added=event["bytes_added"],
            )
