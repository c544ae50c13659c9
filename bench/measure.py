"""Runs one command and says how long it took and how much memory its processes held."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LAUNCH = Path(__file__).with_name("launch.py")
_SAMPLE_SECONDS = 0.05
# Reading what is shared by whom stops a process for a moment, so it is done when there is reason:
# what they hold has changed by so much, or nobody has looked for so long.
_CHANGED = 0.01
_LOOK_SECONDS = 0.5
_READY_SECONDS = 60
_ENDING_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    argv: Sequence[str]
    env: Mapping[str, str]
    folder: Path  # where it runs


@dataclass(slots=True)
class Usage:
    seconds: float = 0.0
    peak_bytes: int = 0


class CommandFailed(Exception):
    """A contender did not end well; its numbers would mean nothing."""


def run(command: Command, log: Path) -> Usage:
    """Run to the end; a status other than 0 raises with the end of the output."""
    with watched(command, log) as (_, usage):
        pass
    return usage


class Process:
    """A command under way, started by a small process so that our own size is not charged to it."""

    def __init__(self, command: Command, output: int) -> None:
        ours, theirs = os.pipe()
        self._report = open(ours, encoding="ascii")  # noqa: SIM115  `wait` closes it
        try:
            self._launcher = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCH), str(theirs), *command.argv],
                env=dict(command.env),
                cwd=command.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs],
            )
        finally:
            os.close(theirs)
        self.pid = int(self._report.readline() or 0)
        if not self.pid:
            self.wait()
            raise CommandFailed(f"{' '.join(command.argv)}: could not be started")

    @property
    def is_gone(self) -> bool:
        """Whether it has ended: then its report is there."""
        return bool(select.select([self._report], [], [], 0)[0])

    def interrupt(self) -> None:
        """Ask it to end, and insist after half a minute."""
        ends = time.monotonic() + _ENDING_SECONDS
        self._send(signal.SIGINT)
        while not self.is_gone:
            if time.monotonic() > ends:
                self._send(signal.SIGKILL)
                return
            time.sleep(0.01)

    def wait(self) -> tuple[float, int, int]:
        """Wait for the end; seconds, the peak of its largest process in bytes, exit code."""
        with self._report:
            words = self._report.readline().split()
        self._launcher.wait()
        if not words:
            return 0.0, 0, -1
        return float(words[0]), int(words[1]) * 1024, int(words[2])

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


@contextmanager
def watched(command: Command, log: Path, *, stop: bool = False) -> Iterator[tuple[Process, Usage]]:
    """Run beside the block and wait for the end after it; `stop` sends SIGINT first.

    The peak is the larger of two numbers: the kernel's maximum for a single process
    (wait4), and for several processes the sum of their proportional set sizes,
    in which memory they share counts once, looked at every 50 ms where it may have changed.
    """
    usage = Usage()
    with open(log, "wb") as output:
        process = Process(command, output.fileno())
    sampler = _Sampler(process.pid)
    sampler.start()
    try:
        yield process, usage
    except BaseException:
        stop = True
        raise
    finally:
        if stop:
            process.interrupt()
        usage.seconds, largest, code = process.wait()
        usage.peak_bytes = max(largest, sampler.finish())
    if code != 0 and not stop:
        tail = log.read_bytes()[-2000:].decode(errors="replace")
        raise CommandFailed(f"{' '.join(command.argv)}: status {code}\n{tail}")


def wait_until(is_ready: Callable[[], bool], process: Process) -> None:
    """Ask every 10 ms until yes; give up when the process is gone or a minute has passed."""
    ends = time.monotonic() + _READY_SECONDS
    while not is_ready():
        if process.is_gone or time.monotonic() > ends:
            raise CommandFailed(f"process {process.pid} did not become ready")
        time.sleep(0.01)


class _Sampler(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._peak = 0
        self._seen = 0
        self._look_at = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            pids = list(_family(self._pid))
            # The kernel knows a lone process's peak exactly and for nothing.
            if len(pids) > 1 and self._is_worth_a_look(sum(map(_resident_pages, pids))):
                self._peak = max(self._peak, sum(map(_proportional_bytes, pids)))

    def _is_worth_a_look(self, pages: int) -> bool:
        now = time.monotonic()
        if abs(pages - self._seen) <= self._seen * _CHANGED and now < self._look_at:
            return False
        self._seen, self._look_at = pages, now + _LOOK_SECONDS
        return True

    def finish(self) -> int:
        self._over.set()
        self.join()
        return self._peak


def _family(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        yield parent
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                children = Path(f"/proc/{parent}/task/{task}/children").read_text()
                waiting += map(int, children.split())
        except OSError:  # ended meanwhile
            continue


def _resident_pages(pid: int) -> int:
    """What it holds, shared or not; the kernel keeps this count, so that asking costs nothing."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:  # ended meanwhile
        return 0


def _proportional_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:  # ended meanwhile
        pass
    return 0
