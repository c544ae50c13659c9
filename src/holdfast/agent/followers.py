"""The processes that replicate: started by the agent when there is work for them, and watched.

What is at work is known by its lock, whoever has started it. So an agent that is killed leaves
them working, and the next one finds them; there are never two.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.agent.running import Program
from holdfast.app.replication_own_site import is_site
from holdfast.app.replication_process import Work, at_work
from holdfast.base.clock import Clock
from holdfast.base.programs import Service, start_service
from holdfast.base.texts import _
from holdfast.replication.source_folder import replicated_here

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
# Whoever ran so long was well: the next end is a new trouble.
_WELL = 60.0
_MOST_LOG = 8 << 20
_LOOK_EVERY = 1.0


@dataclass(slots=True, kw_only=True)
class Follower:
    """One of them. To be used from one thread."""

    home: str
    work: Work
    program: Program
    clock: Clock
    warn: Callable[[str], None]
    is_wanted: Callable[[], bool]
    _process: Service | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    _wait: float = field(default=_FIRST_WAIT, init=False)
    _next: float = field(default=float("-inf"), init=False)
    _is_told_to_end: bool = field(default=False, init=False)

    @property
    def log(self) -> str:
        return os.path.join(self.home, "agent", f"replication-{self.work}.log")

    def tick(self) -> None:
        """Start it when it is wanted and nobody does it; end it when it is not wanted any more."""
        now = self.clock.monotonic()
        self._notice_end(now)
        if now < self._next:
            return
        self._next = now + _LOOK_EVERY
        found = at_work(self.home, self.work)
        if not self.is_wanted():
            self.stop()
        elif found is None and self._process is None:
            self._start(now)

    def stop(self) -> None:
        """Ask it to end in order, if an agent has started it; it goes on with what a step needs."""
        if self._process is not None:
            self._process.signal(signal.SIGTERM)
            return
        found = at_work(self.home, self.work)
        if found is not None and found.is_agents and not self._is_told_to_end:
            self._is_told_to_end = True
            _tell(found.pid, signal.SIGTERM)

    def has_ended(self) -> bool:
        self._notice_end(self.clock.monotonic())
        if self._process is not None:
            return False
        found = at_work(self.home, self.work)
        return found is None or not found.is_agents

    def kill(self) -> None:
        """For one that would not end; nothing of it is lost."""
        if self._process is not None:
            self._process.signal(signal.SIGKILL)
        elif (found := at_work(self.home, self.work)) is not None and found.is_agents:
            _tell(found.pid, signal.SIGKILL)

    def _start(self, now: float) -> None:
        self._is_told_to_end = False
        _make_room(self.log)
        words = [*self.program.plain, "replication", self.work.value, "--json", "--for-agent"]
        with open(self.log, "ab", opener=_private) as log:
            self._process = start_service(words, environment=self.program.environment, log=log)
        self._began = now

    def _notice_end(self, now: float) -> None:
        status = self._process.status() if self._process is not None else None
        if status is None:
            return
        self._process = None
        self._wait = _FIRST_WAIT if now - self._began > _WELL else self._wait
        self._next, self._wait = now + self._wait, min(self._wait * 2, _LONGEST_WAIT)
        if status not in (0, -signal.SIGTERM) and self.is_wanted():
            text = _("`holdfast replication {work}` ended with status {status}; see {log}")
            self.warn(text.format(work=self.work.value, status=status, log=self.log))


class Followers:
    """Both of them, for one host."""

    def __init__(
        self, home: str, program: Program, *, clock: Clock, warn: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._kill_at = float("inf")
        wanted = {
            Work.RUN: lambda: bool(replicated_here(home)),
            Work.SERVE: lambda: is_site(home),
        }
        self._each = [
            Follower(
                home=home, work=work, program=program, clock=clock, warn=warn, is_wanted=is_wanted
            )
            for work, is_wanted in wanted.items()
        ]

    def tick(self) -> None:
        for one in self._each:
            one.tick()

    def stop(self, *, within: float) -> None:
        self._kill_at = self._clock.monotonic() + within
        for one in self._each:
            one.stop()

    def end_late(self) -> None:
        """Kill those that have been told to end, and would not."""
        if self._clock.monotonic() >= self._kill_at:
            for one in self._each:
                one.kill()

    def have_ended(self) -> bool:
        return all(one.has_ended() for one in self._each)


def _tell(pid: int, number: signal.Signals) -> None:
    if pid > 0:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return


def _make_room(log: str) -> None:
    """One log of before is kept; they cannot fill the disk."""
    os.makedirs(os.path.dirname(log), 0o700, exist_ok=True)
    try:
        if os.stat(log).st_size > _MOST_LOG:
            os.replace(log, f"{log}.1")
    except FileNotFoundError:
        return


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
