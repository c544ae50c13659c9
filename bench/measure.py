"""Runs one command and says how long it took and how much memory its processes held."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_SECONDS = 0.05
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


@contextmanager
def watched(command: Command, log: Path, *, stop: bool = False) -> Iterator[tuple[int, Usage]]:
    """Run beside the block and wait for the end after it; `stop` sends SIGINT first.

    The peak is the larger of two numbers: the kernel's maximum for a single process
    (wait4), and for several processes the sum of their proportional set sizes,
    in which memory they share counts once, sampled every 50 ms.
    """
    usage = Usage()
    with open(log, "wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            env=dict(command.env),
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        sampler = _Sampler(process.pid)
        sampler.start()
        try:
            yield process.pid, usage
        except BaseException:
            stop = True
            raise
        finally:
            if stop:
                _interrupt(process.pid)
            _, status, resources = os.wait4(process.pid, 0)
            usage.seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            usage.peak_bytes = max(resources.ru_maxrss * 1024, sampler.finish())
    if process.returncode != 0 and not stop:
        tail = log.read_bytes()[-2000:].decode(errors="replace")
        raise CommandFailed(f"{' '.join(command.argv)}: status {process.returncode}\n{tail}")


def _interrupt(pid: int) -> None:
    """Ask the process to end, insist after half a minute; it is left to be reaped."""
    # Not Popen.send_signal, which would reap a process that is gone and lose its usage.
    os.kill(pid, signal.SIGINT)
    ends = time.monotonic() + _ENDING_SECONDS
    while not _is_gone(pid):
        if time.monotonic() > ends:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.01)


def _is_gone(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def wait_until(is_ready: Callable[[], bool], pid: int) -> None:
    """Ask every 10 ms until yes; give up when the process is gone or a minute has passed."""
    ends = time.monotonic() + _READY_SECONDS
    while not is_ready():
        if _is_gone(pid) or time.monotonic() > ends:
            raise CommandFailed(f"process {pid} did not become ready")
        time.sleep(0.01)


class _Sampler(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._peak = 0
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            pids = list(_family(self._pid))
            # The kernel knows a lone process's peak exactly and for nothing.
            if len(pids) > 1:
                self._peak = max(self._peak, sum(_proportional_bytes(pid) for pid in pids))

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


def _proportional_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:  # ended meanwhile
        pass
    return 0
