"""The doctor of the server: reads what people hand over and explains codes, and keeps nothing.

What is handed over is of unknown origin. A process of its own reads it, with limits on time,
memory and what archives unpack to, and whatever becomes of that process the server goes on.
"""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import BinaryIO

import msgspec

from holdfast.app.control.diagnosing_errors import (
    DoctorBusy,
    DoctorTooSlow,
    NothingToDiagnose,
    TooMuchToDiagnose,
)
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.diagnosing_child import ASKED, CPU_SECONDS, FILES, TOO_SLOW, Asked, Told
from holdfast.app.doctor_errors import DoctorFailed
from holdfast.base.errors import HoldfastError
from holdfast.base.programs import Finished, ask_tool, last_words
from holdfast.base.texts import language
from holdfast.base.units import MIB, format_size
from holdfast.doctor.loading import load
from holdfast.doctor.report.document import DoctorExplanation, DoctorReport
from holdfast.doctor.report.explaining import explain as what_is_known

MOST_BYTES = 64 * MIB
MOST_FILES = 50
MOST_SYMPTOMS = 20
LONGEST_SYMPTOM = 2000
SECONDS = 120
_CHILD = "holdfast.app.diagnosing_child"
_COPY = MIB
_AT_ONCE = 2
_PATIENCE = 30.0
_LONGEST_NAME = 100
_NO_NAME = re.compile(r"[\x00-\x1f\x7f/\\]+")
_free = BoundedSemaphore(_AT_ONCE)
# Who is read for or waits holds a thread, of which the server has few: the next one waits at home.
_seats = BoundedSemaphore(_AT_ONCE + 1)


@dataclass(frozen=True, slots=True)
class Folder:
    """Where things lie from when they are handed over to when they are read, and no longer."""

    path: Path

    def place(self, name: str, size: int = 0) -> Path:
        """Where to write what is called that; it keeps its name, which may tell what it is."""
        number = len([*(self.path / FILES).glob("*")])
        if number >= MOST_FILES or size + self.size > MOST_BYTES:
            raise TooMuchToDiagnose(files=MOST_FILES, size=format_size(MOST_BYTES))
        slot = self.path / FILES / f"{number:03}"
        slot.mkdir(parents=True)
        return slot / _tidy(name)

    def take(self, name: str, stream: BinaryIO) -> None:
        with self.place(name).open("wb") as copy:
            while piece := stream.read(_COPY):
                copy.write(piece)

    def given(self) -> list[Path]:
        return sorted((self.path / FILES).glob("*/*"))

    @property
    def size(self) -> int:
        return sum(one.stat().st_size for one in self.given())


@contextlib.contextmanager
def folder() -> Iterator[Folder]:
    """A place that nobody else can look into and that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="holdfast-doctor-", ignore_cleanup_errors=True) as path:
        yield Folder(Path(path))


def diagnose(
    _plane: Plane,
    _actor: Actor,
    given: Folder,
    *,
    symptoms: Sequence[str] = (),
    languages: Sequence[str] = (),
) -> Mapping[str, DoctorReport]:
    """The report in each of the languages; without any named, in the one in use."""
    words = [word.strip()[:LONGEST_SYMPTOM] for word in symptoms if word.strip()][:MOST_SYMPTOMS]
    if not words and not given.given():
        raise NothingToDiagnose
    wanted = Asked(symptoms=words, languages=list(languages or (language(),)))
    (given.path / ASKED).write_bytes(msgspec.json.encode(wanted))
    with _turn():
        done = _read(given)
    return _reports(done)


def explain(_plane: Plane, _actor: Actor, asked: str) -> DoctorExplanation:
    """What the catalogue knows about a code, a name, a message or a cause."""
    return what_is_known(load(), asked.strip()[:LONGEST_SYMPTOM])


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Few at once: a reading takes a core for as long as it lasts."""
    if not _seats.acquire(blocking=False):
        raise DoctorBusy(count=_AT_ONCE)
    try:
        if not _free.acquire(timeout=_PATIENCE):
            raise DoctorBusy(count=_AT_ONCE)
        try:
            yield
        finally:
            _free.release()
    finally:
        _seats.release()


def _read(given: Folder) -> Finished:
    # Unpacked archives lie in the same folder, and go with it even when the process is killed.
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TMPDIR": str(given.path)}
    command = (sys.executable, "-m", _CHILD, str(given.path))
    done = ask_tool(command, environment=environment, timeout=SECONDS)
    if done is None:
        raise DoctorTooSlow(seconds=SECONDS)
    return done


def _reports(done: Finished) -> dict[str, DoctorReport]:
    if done.status == TOO_SLOW:
        raise DoctorTooSlow(seconds=CPU_SECONDS)
    try:
        told = msgspec.json.decode(done.said, type=Told)
    except msgspec.DecodeError as err:
        reason = last_words(done.said)
        raise DoctorFailed(kind=f"status {done.status}", reason=reason) from err
    if told.fault:
        raise DoctorFailed(**told.fault)
    if told.refused:
        raise HoldfastError.registry[told.refused](**told.fields)
    return told.reports


def _tidy(name: str) -> str:
    """The last part of a path from whatever system, fit to be a file's name here."""
    last = re.split(r"[/\\]", name.strip().rstrip("/\\"))[-1]
    tidy = _NO_NAME.sub("_", last).strip(". ")[-_LONGEST_NAME:]
    return tidy or "text"
