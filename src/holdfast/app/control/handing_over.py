"""What people hand over to the doctor: where it lies until it is read, and how much may lie there.

Each account has a share of the room, so that nobody's open pages keep the others away.
"""

import contextlib
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from holdfast.app.control.diagnosing_errors import (
    DoctorFull,
    DoctorHoldsYours,
    TooMuchToDiagnose,
)
from holdfast.app.diagnosing_child import FILES
from holdfast.base.units import MIB, format_size

MOST_BYTES = 64 * MIB
MOST_FILES = 50
# Read and deleted, it counts no more; of each account, and of all together.
MOST_OF_ACCOUNT = 4 * MOST_BYTES
MOST_TOGETHER = 16 * MOST_BYTES
# An empty file takes room as well.
_LEAST = 4096
_LONGEST_NAME = 100
_NO_NAME = re.compile(r"[\x00-\x1f\x7f/\\]+")


class Room:
    """How much lies here, by account; to be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, account: str, size: int) -> None:
        with self._lock:
            if self._taken[account] + size > MOST_OF_ACCOUNT:
                raise DoctorHoldsYours(size=format_size(MOST_OF_ACCOUNT))
            if self._taken.total() + size > MOST_TOGETHER:
                raise DoctorFull(size=format_size(MOST_TOGETHER))
            self._taken[account] += size

    def give_back(self, account: str, size: int) -> None:
        with self._lock:
            # Who has nothing here any more is forgotten.
            self._taken = +(self._taken - Counter({account: size}))


_room = Room()


class Folder:
    """Where things lie from when they are handed over to when they are read, and no longer."""

    def __init__(self, path: Path, account: str) -> None:
        self.path = path
        self._account = account
        # As announced: what is still on its way counts from the beginning.
        self._sizes: list[int] = []

    def place(self, name: str, size: int) -> Path:
        """Where to write what is called that; it keeps its name, which may tell what it is."""
        if len(self._sizes) >= MOST_FILES or size + sum(self._sizes) > MOST_BYTES:
            raise TooMuchToDiagnose(files=MOST_FILES, size=format_size(MOST_BYTES))
        _room.take(self._account, max(size, _LEAST))
        slot = self.path / FILES / f"{len(self._sizes):03}"
        self._sizes.append(size)
        slot.mkdir(parents=True)
        return slot / _tidy(name)

    def given(self) -> list[Path]:
        return sorted((self.path / FILES).glob("*/*"))

    def leave(self) -> None:
        """Nothing lies in it any more."""
        _room.give_back(self._account, sum(max(size, _LEAST) for size in self._sizes))


@contextlib.contextmanager
def folder(account: str) -> Iterator[Folder]:
    """A place that nobody else can look into and that is gone afterwards."""
    with contextlib.ExitStack() as kept:
        made = tempfile.TemporaryDirectory(prefix="holdfast-doctor-", ignore_cleanup_errors=True)
        given = Folder(Path(made.name), account)
        kept.callback(given.leave)
        kept.enter_context(made)
        yield given


def _tidy(name: str) -> str:
    """The last part of a path from whatever system, fit to be a file's name here."""
    last = re.split(r"[/\\]", name.strip().rstrip("/\\"))[-1]
    tidy = _NO_NAME.sub("_", last).strip(". ")[-_LONGEST_NAME:]
    return tidy or "text"
