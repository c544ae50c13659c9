"""What the agent asks about recovery points for somebody who browses them: a line in, a line out.

The first line says which repository is meant, and for another machine's its passphrase, which is
nowhere but in the memory of this process. It ends with its standard input.
"""

import logging
import os
import sys
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import msgspec

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.secret import Secret
from holdfast.base.texts import use_language
from holdfast.cli.hardening import keep_secrets_in_memory
from holdfast.cli.lean import leave, stay_lean
from holdfast.fleet.questions import Answer, Question

if TYPE_CHECKING:
    from holdfast.app.answering import Answerer

_log = logging.getLogger(__name__)


class Beginning(msgspec.Struct, kw_only=True):
    # None: this machine's own, with the passphrase that is saved here.
    location: str | None = None
    passphrase: str | None = None


def run() -> NoReturn:
    keep_secrets_in_memory()
    stay_lean()
    asked, answers = sys.stdin.buffer, _answers()
    try:
        beginning = msgspec.json.decode(asked.readline(), type=Beginning)
    except msgspec.DecodeError:
        # Whoever started us changed their mind.
        leave(0)
    answerer = _answerer(beginning)
    for line in asked:
        answers.write(msgspec.json.encode(_answered(line, answerer)) + b"\n")
        answers.flush()
    if not isinstance(answerer, HoldfastError):
        answerer.close()
    leave(0)


def _answers() -> BinaryIO:
    """Our standard output, which from now on is that of complaints for everybody else."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _answerer(beginning: Beginning) -> "Answerer | HoldfastError":
    from holdfast.app.answering import Answerer, session_about
    from holdfast.app.config import load_settings
    from holdfast.app.wiring import Session

    try:
        settings = load_settings()
        use_language(settings.lang)
        session = Session(settings=settings, warn=_log.warning, clock=SystemClock())
        if beginning.location and beginning.passphrase:
            passphrase = Secret(beginning.passphrase.encode())
            session = session_about(session, location=beginning.location, passphrase=passphrase)
        return Answerer(session)
    except HoldfastError as err:
        return err


def _answered(line: bytes, answerer: "Answerer | HoldfastError") -> Answer:
    from holdfast.app.answering import record_of

    if isinstance(answerer, HoldfastError):
        return Answer(error=record_of(answerer))
    try:
        return answerer.answer(msgspec.json.decode(line, type=Question))
    except Exception as err:
        # The next question may be one that we can answer.
        from holdfast.cli.unexpected import Unexpected

        _log.exception("a question was not answered")
        return Answer(error=record_of(Unexpected(kind=type(err).__name__, reason=err)))


if __name__ == "__main__":
    run()
