"""Server and agent as processes of `holdfast up`: started, watched, started again, ended in order.

A lock says that an `up` is at work, another that its processes are: the processes inherit the
second one, so that an `up` that follows a killed one waits until the last of them is gone.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from holdfast.app.config import Settings
from holdfast.app.file_locks import try_lock
from holdfast.app.up_errors import ServiceEnded, UpRuns
from holdfast.base.clock import Clock
from holdfast.base.programs import Service, last_words, start_service
from holdfast.base.texts import _

_CHILD = "holdfast.cli.up_child"
_TICK = 0.1
# The agent stops its jobs first, which may take half a minute.
_GRACE = 45.0
_ORPHANS_GRACE = 90.0
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
# Whoever ran so long was well: the next end is a new trouble.
_WELL = 60.0
_MOST_LOG = 8 << 20
_LAST_OF_LOG = 16 << 10


@dataclass(frozen=True, slots=True)
class Claim:
    """`children` is what processes inherit; None: another `up` is there, and it starts them."""

    children: int | None


@contextlib.contextmanager
def claim(home: str, clock: Clock) -> Iterator[Claim]:
    """Be the one that starts things, once the processes of one before us have ended."""
    os.makedirs(home, 0o700, exist_ok=True)
    own, children = _open(_lock_file(home)), _open(os.path.join(home, "up.children"))
    try:
        if not try_lock(own):
            yield Claim(None)
            return
        os.truncate(own, 0)
        os.write(own, f"{os.getpid()}\n".encode())
        _wait_for_lock(children, clock, home=home)
        yield Claim(children)
    finally:
        os.close(own)
        os.close(children)


@contextlib.contextmanager
def alone(home: str, clock: Clock) -> Iterator[None]:
    """One after the other: two that make the same vault at once would be in each other's way."""
    os.makedirs(home, 0o700, exist_ok=True)
    steps = _open(os.path.join(home, "up.steps"))
    try:
        _wait_for_lock(steps, clock, home=home)
        yield
    finally:
        os.close(steps)


def running_pid(home: str) -> int | None:
    """The process of the `up` that is at work with this home."""
    with contextlib.suppress(OSError, ValueError):
        probe = os.open(_lock_file(home), os.O_RDWR | os.O_CLOEXEC)
        try:
            return None if try_lock(probe) else int(os.read(probe, 20))
        finally:
            os.close(probe)
    return None


def stop_running(home: str, clock: Clock) -> int | None:
    """Have the `up` of this home end all that it runs; its process, None when there is none."""
    pid = running_pid(home)
    if pid is None:
        return None
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = clock.monotonic() + _ORPHANS_GRACE
    while running_pid(home) == pid and clock.monotonic() < deadline:
        clock.sleep(_TICK)
    return pid


def is_locked(path: str) -> bool:
    """Whether a process holds this lock file: a server its state, an agent its journal."""
    try:
        probe = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not try_lock(probe)
    finally:
        os.close(probe)


@dataclass(slots=True, kw_only=True)
class Kept:
    """One process that is to run as long as we do."""

    name: str
    words: Sequence[str]
    log: str
    settings: Settings
    children: int
    clock: Clock
    _process: Service | None = field(default=None, init=False)
    _began: float = field(default=0.0, init=False)
    _wait: float = field(default=_FIRST_WAIT, init=False)
    _next: float | None = field(default=None, init=False)
    _log_began: int = field(default=0, init=False)

    def start(self) -> None:
        _make_room(self.log)
        with open(self.log, "ab", opener=_private) as log:
            self._log_began = log.tell()
            words = [sys.executable, "-m", _CHILD, str(os.getpid()), *self.words, "--json"]
            self._process = start_service(
                words, environment=_environment(self.settings), log=log, inherits=self.children
            )
        self._began, self._next = self.clock.monotonic(), None

    def require_alive(self) -> None:
        """Raise, with its own words, if it has ended."""
        if self._process is not None and self._process.status() is not None:
            raise ServiceEnded(service=_(self.name), reason=self._last_words(), log=self.log)

    def tick(self, warn: Callable[[str], None]) -> None:
        """Start it again some time after it ended."""
        now = self.clock.monotonic()
        if self._process is not None:
            status = self._process.status()
            if status is None:
                return
            self._process = None
            self._wait = _FIRST_WAIT if now - self._began > _WELL else self._wait
            self._next, self._wait = now + self._wait, min(self._wait * 2, _LONGEST_WAIT)
            sentence = _("The {service} ended and is started again: {reason}; see {log}")
            reason = _how(status, self._error())
            warn(sentence.format(service=_(self.name), reason=reason, log=self.log))
        elif self._next is not None and now >= self._next:
            self.start()

    def end(self) -> None:
        """In order if it can be had, and surely."""
        if self._process is None:
            return
        self._process.signal(signal.SIGTERM)
        deadline = self.clock.monotonic() + _GRACE
        while self._process.status() is None:
            if self.clock.monotonic() > deadline:
                self._process.signal(signal.SIGKILL)
            self.clock.sleep(_TICK)
        self._process = None

    def _error(self) -> str | None:
        return _error_in(self._said())

    def _last_words(self) -> str:
        return self._error() or last_words(self._said())

    def _said(self) -> bytes:
        with open(self.log, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(self._log_began, size - _LAST_OF_LOG))
            return stream.read()


def _how(status: int, error: str | None) -> str:
    if status < 0:
        return _("signal {number}").format(number=-status)
    return error or _("status {number}").format(number=status)


def _error_in(said: bytes) -> str | None:
    """The sentence of the last error event."""
    for line in reversed(said.splitlines()):
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict) and event.get("event") == "error":
                message = str(event.get("message")).rstrip(".")
                return f"{message}. {event.get('remedy')}".rstrip(".")
    return None


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **settings.harmless,
        **settings.credentials,
        "HOLDFAST_HOME": settings.home,
        "HOLDFAST_LANG": settings.lang,
    }


def _make_room(log: str) -> None:
    """One log of before is kept; they cannot fill the disk."""
    os.makedirs(os.path.dirname(log), 0o700, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if os.stat(log).st_size > _MOST_LOG:
            os.replace(log, f"{log}.1")


def _lock_file(home: str) -> str:
    return os.path.join(home, "up.lock")


def _open(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _wait_for_lock(descriptor: int, clock: Clock, *, home: str) -> None:
    """Whoever holds it is about to end."""
    deadline = clock.monotonic() + _ORPHANS_GRACE
    while not try_lock(descriptor):
        if clock.monotonic() > deadline:
            raise UpRuns(home=home)
        clock.sleep(_TICK)
