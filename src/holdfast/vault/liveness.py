"""What /proc knows about the process behind a lock.

Numbers of processes are reused, repeat in every container, and mean nothing on another host; two
machines may bear one name. So "gone" is said only where it is certain.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from holdfast.vault.lock_file import Lock, ProcessMark
from holdfast.vault.policy.lock_verdict import Process

# The kernel's fixed inode of the outermost pid namespace, which sees all others.
_OUTERMOST = 0xEFFFFFFC
_STATE, _STARTED = 0, 19  # places in /proc/PID/stat after the name


class Machine:
    """This host, as far as locks are concerned."""

    def __init__(self, hostname: str, *, proc: str = "/proc") -> None:
        self._hostname = hostname
        self._proc = proc

    def mark(self, pid: int) -> ProcessMark | None:
        """What to write into our own lock; None where /proc does not say."""
        started = self._started(str(pid))
        if started is None:
            return None
        return ProcessMark(self._boot(), self._namespace(), started)

    def process(self, lock: Lock) -> Process:
        stored = lock.stored
        if stored.hostname != self._hostname or not self._sees_others():
            return Process.UNKNOWN
        if stored.holdfast is not None:
            return self._marked(lock, stored.holdfast)
        if self._namespace() != _OUTERMOST:
            return Process.UNKNOWN
        return self._numbered(lock)

    def _marked(self, lock: Lock, mark: ProcessMark) -> Process:
        if mark.boot != self._boot():
            # A clone of this machine may have its name, but not a lock from before our start.
            return Process.GONE if lock.taken_at < self._booted_at() else Process.UNKNOWN
        if mark.namespace != self._namespace():
            return Process.UNKNOWN
        started = self._started(str(lock.stored.pid))
        return Process.ALIVE if started == mark.started else Process.GONE

    def _numbered(self, lock: Lock) -> Process:
        """Guess by number, also that of processes in containers under this host's name."""
        candidates = [self._started(pid) for pid in self._pids_called(lock.stored.pid)]
        starts = [started for started in candidates if started is not None]
        if not starts:
            return Process.GONE
        ticks = os.sysconf("SC_CLK_TCK")
        held_since = lock.taken_at.timestamp() - self._booted_at().timestamp()
        older = any(started / ticks <= held_since + 1 for started in starts)
        # A clock set forward looks the same as a reused number: the verdict must not trust it.
        return Process.UNKNOWN if older else Process.REPLACED

    def _pids_called(self, number: int) -> Iterator[str]:
        for pid in filter(str.isdigit, os.listdir(self._proc)):
            for line in self._read(f"{pid}/status").splitlines():
                if line.startswith("NSpid:") and str(number) in line.split()[1:]:
                    yield pid

    def _started(self, pid: str) -> int | None:
        """Ticks from boot to the start of a process; None when it has ended."""
        # The name may hold anything, so fields count from its closing bracket.
        fields = self._read(f"{pid}/stat").rpartition(")")[2].split()
        if not fields or fields[_STATE] in "ZX":
            return None
        return int(fields[_STARTED])

    def _sees_others(self) -> bool:
        """Mounted with hidepid, /proc shows only our own processes: absence proves nothing."""
        return bool(self._read("1/stat"))

    def _boot(self) -> str:
        return self._read("sys/kernel/random/boot_id").strip()

    def _booted_at(self) -> datetime:
        for line in self._read("stat").splitlines():
            if line.startswith("btime "):
                return datetime.fromtimestamp(int(line.split()[1]), UTC)
        return datetime.fromtimestamp(0, UTC)

    def _namespace(self) -> int:
        try:
            return os.stat(os.path.join(self._proc, "self/ns/pid")).st_ino
        except OSError:
            return 0

    def _read(self, name: str) -> str:
        try:
            with open(os.path.join(self._proc, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""
