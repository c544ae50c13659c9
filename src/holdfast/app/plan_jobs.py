"""Work of a plan's step as a process of its own, which outlives whoever has begun it.

A folder has all that can be known of it: `lock` is held as long as anything of it runs, `began` is
there once it runs (with its process group), `status` once it has ended. So a command that goes on
after its like was killed knows whether the work was never begun, goes on, has ended, or was cut off
in the middle.
"""

import contextlib
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from holdfast.app.file_locks import try_lock
from holdfast.base.clock import Clock
from holdfast.base.programs import Service, start_service

_OUTPUT_MOST = 1 << 20
_PATIENCE = 10.0
_POLL = 0.05
# $1 is the folder; what follows is the work. `began` is durable before the work is begun.
_SHELL = """
cd "$1" && shift || exit 125
echo $$ >began.new && sync began.new && mv began.new began && sync . || exit 125
( cd / && exec "$@" ) <input >output 2>&1
echo $? >status.new && sync status.new && mv status.new status && sync .
"""


class JobState(StrEnum):
    NEVER = "never"
    RUNNING = "running"
    ENDED = "ended"
    # It was begun, and nothing of it is left but that.
    CUT_OFF = "cut-off"


class Job:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._service: Service | None = None

    def state(self) -> JobState:
        self._bury()
        # In this order: what has ended between the looks is seen at the second one.
        is_running = self._is_held()
        if (self.folder / "status").exists():
            self._bury(is_over=True)
            return JobState.ENDED
        if is_running:
            return JobState.RUNNING
        return JobState.CUT_OFF if (self.folder / "began").exists() else JobState.NEVER

    def launch(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], stdin: bytes = b""
    ) -> None:
        """Only where it was never begun."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "input").write_bytes(stdin)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not try_lock(lock):
                return
            with open(self.folder / "shell", "wb") as log:
                self._service = start_service(
                    ["/bin/sh", "-c", _SHELL, "sh", str(self.folder), *arguments],
                    environment={"PATH": os.defpath, **environment},
                    log=log,
                    inherits=lock,
                )
        finally:
            os.close(lock)

    def status(self) -> int:
        return int((self.folder / "status").read_text())

    def output(self) -> bytes:
        """The end of it, if it is much."""
        with contextlib.suppress(FileNotFoundError), open(self.folder / "output", "rb") as said:
            said.seek(max(0, os.fstat(said.fileno()).st_size - _OUTPUT_MOST))
            return said.read()
        return b""

    def end(self, clock: Clock, *, patience: float = _PATIENCE) -> None:
        """Nothing of it runs when this returns; asked first, then made to."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = clock.monotonic() + patience
            while self._is_held() and clock.monotonic() < deadline:
                self._signal(number)
                clock.sleep(_POLL)
                self._bury()

    def forget(self) -> None:
        """So that it can be begun anew."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        """To the whole group: while its lock is held the group is there, and is no other."""
        with contextlib.suppress(OSError, ValueError):
            os.killpg(int((self.folder / "began").read_text()), number)

    def _is_held(self) -> bool:
        """Tried, for the kernel does not always tell of a lock whose first holder is dead.

        Only who drives the run looks here, so that nobody is disturbed.
        """
        try:
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not try_lock(lock)
        finally:
            os.close(lock)

    def _bury(self, *, is_over: bool = False) -> None:
        """Once it has said how it ended, nothing of its shell is wanted any more."""
        if self._service is not None and is_over:
            self._service.end(patience=_PATIENCE)
        if self._service is not None and self._service.status() is not None:
            self._service = None
