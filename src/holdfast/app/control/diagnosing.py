"""The doctor of the server: reads what people hand over and explains codes, and keeps nothing.

What is handed over is of unknown origin. A process of its own reads it, with limits on time,
memory and what archives unpack to, and whatever becomes of that process the server goes on.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from threading import BoundedSemaphore

import msgspec

from holdfast.app.control.diagnosing_errors import (
    DoctorBusy,
    DoctorTooSlow,
    NothingToDiagnose,
)
from holdfast.app.control.handing_over import Folder
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.diagnosing_child import ASKED, CPU_SECONDS, TOO_SLOW, Asked, Told
from holdfast.app.doctor_errors import DoctorFailed
from holdfast.base.errors import HoldfastError
from holdfast.base.programs import Finished, ask_tool, last_words
from holdfast.base.texts import language
from holdfast.doctor.loading import load
from holdfast.doctor.report.document import DoctorExplanation, DoctorReport
from holdfast.doctor.report.explaining import explain as what_is_known

MOST_SYMPTOMS = 20
LONGEST_SYMPTOM = 2000
SECONDS = 120
_CHILD = "holdfast.app.diagnosing_child"
_AT_ONCE = 2
_PATIENCE = 30.0
_free = BoundedSemaphore(_AT_ONCE)
# Who is read for or waits holds a thread, of which the server has few: the next one waits at home.
_seats = BoundedSemaphore(_AT_ONCE + 1)


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
