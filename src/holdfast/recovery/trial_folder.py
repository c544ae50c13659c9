"""Where test failovers of a machine are written down, before anything of them is made.

HOME/recovery/UUID/trials/ID/trial.json   screen.png   lock

The lock is held by who is at work on it: where nobody is and it is not over, it was killed.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from holdfast.machines.state_files import replace_file
from holdfast.machines.work_lock import is_held
from holdfast.recovery.record_folder import FOLDER
from holdfast.recovery.trial import Trial
from holdfast.recovery.trial_errors import TrialRecordUnreadable, TrialRunning

_TRIALS, _RECORD, _LOCK, _SCREEN = "trials", "trial.json", "lock", "screen.png"
# Those that are over and cleaned; their figures live on in the runs of drills.
MOST_KEPT = 50


class TrialFolder:
    """The tests of one machine."""

    def __init__(self, home: str, vm: str) -> None:
        self.home = home
        self.vm = vm
        self.path = Path(home, FOLDER, vm, _TRIALS)

    def place(self, trial: str) -> Path:
        return self.path / trial

    def screen(self, trial: str) -> Path:
        return self.place(trial) / _SCREEN

    def all(self) -> list[Trial]:
        """The oldest first; one that does not read is an error, for a machine may be behind it."""
        found = [self._read(path) for path in self.path.glob(f"*/{_RECORD}")]
        return sorted(filter(None, found), key=lambda each: (each.begun_at, each.id))

    def left(self) -> list[Trial]:
        """Those of which something may be there."""
        return [each for each in self.all() if each.cleaned_at is None]

    def known(self, trial: str) -> Trial | None:
        return self._read(self.place(trial) / _RECORD)

    def save(self, trial: Trial) -> Trial:
        """Durable when this returns."""
        folder = self.place(trial.id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = msgspec.json.format(msgspec.json.encode(trial), indent=2)
        replace_file(folder / _RECORD, content + b"\n")
        return trial

    def forget_old(self) -> None:
        over = [each for each in self.all() if each.cleaned_at is not None]
        for trial in over[:-MOST_KEPT]:
            shutil.rmtree(self.place(trial.id), ignore_errors=True)

    @contextlib.contextmanager
    def at_work(self, trial: Trial) -> Iterator[None]:
        """Be the one at work on it; the kernel tells when we are gone, however we went."""
        folder = self.place(trial.id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, trial.name, trial.begun_at)
            yield
        finally:
            os.close(descriptor)

    def is_at_work(self, trial: Trial) -> bool:
        """Whether some process is at it now."""
        return is_held(str(self.place(trial.id) / _LOCK))

    def _read(self, path: Path) -> Trial | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Trial)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as err:
            raise TrialRecordUnreadable(path=path, reason=err) from err


def tested_here(home: str) -> list[str]:
    """The UUIDs of the machines that were ever tested here."""
    return sorted(path.parent.name for path in Path(home, FOLDER).glob(f"*/{_TRIALS}"))


def _lock(descriptor: int, name: str, since: datetime) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "?"
        raise TrialRunning(name=name, pid=pid, since=since.astimezone()) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
