"""What happened to a replication, a line each, kept for a person who asks later.

events.jsonl     the newest
events.1.jsonl   those before
trace            while it is there, each step is written as well

It is a comfort: what cannot be written is not, and nothing waits for it.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.units import MIB

NEWEST, BEFORE, TRACE = "events.jsonl", "events.1.jsonl", "trace"
_LONGEST = MIB


class Kind(StrEnum):
    STATE = "state"
    HAPPENED = "happened"
    POINT = "point"
    FAILED = "failed"
    STEP = "step"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`what` is a state, a happening, a generation, a step or the code of an error."""

    at: datetime
    kind: Kind
    what: str
    why: str = ""
    bytes: int = 0
    disk: str = ""


class EventLog:
    """Written to by the threads of one loop."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._lock = threading.Lock()
        self._end_torn_line()

    def write(self, kind: Kind, what: str, *, why: str = "", size: int = 0, disk: str = "") -> None:
        entry = Entry(at=self._clock.now(), kind=kind, what=what, why=why, bytes=size, disk=disk)
        with self._lock, contextlib.suppress(OSError):
            self._turn()
            with (self._folder / NEWEST).open("ab") as log:
                log.write(msgspec.json.encode(entry) + b"\n")

    def trace(self, step: str) -> None:
        if (self._folder / TRACE).exists():
            self.write(Kind.STEP, step)

    def _end_torn_line(self) -> None:
        """What a power cut has left must not hide what comes."""
        with contextlib.suppress(OSError), (self._folder / NEWEST).open("rb+") as log:
            log.seek(-1, os.SEEK_END)
            if log.read(1) != b"\n":
                log.write(b"\n")

    def _turn(self) -> None:
        newest = self._folder / NEWEST
        with contextlib.suppress(FileNotFoundError):
            if newest.stat().st_size >= _LONGEST:
                os.replace(newest, self._folder / BEFORE)


def read_log(folder: Path) -> Iterator[Entry]:
    """The oldest first; a line that was torn by a power cut is left out."""
    for name in (BEFORE, NEWEST):
        with contextlib.suppress(FileNotFoundError), (folder / name).open("rb") as log:
            for line in log:
                with contextlib.suppress(msgspec.DecodeError):
                    yield msgspec.json.decode(line, type=Entry)


def set_tracing(folder: Path, *, is_on: bool) -> None:
    if is_on:
        (folder / TRACE).touch(mode=0o600)
    else:
        (folder / TRACE).unlink(missing_ok=True)
