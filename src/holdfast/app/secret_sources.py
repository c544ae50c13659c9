"""Where a passphrase comes from: a file, a command's output, or a person at a terminal."""

import os
import shlex
import stat

from holdfast.app.config import Settings
from holdfast.app.setup_errors import (
    PassphraseNotGiven,
    PassphrasesDiffer,
    PassphraseTooShort,
    PassphraseUnreadable,
)
from holdfast.app.wiring import Session
from holdfast.base.secret import Secret
from holdfast.base.texts import _

SHORTEST = 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_FILE = 64 << 10


def passphrase_of(session: Session) -> Secret:
    """The passphrase that opens the vault."""
    settings = session.settings
    if settings.passphrase_command:
        return _from_command(session, settings.passphrase_command)
    if settings.passphrase_file == saved_in(settings):
        from holdfast.app.agent_folder import AgentFolder
        from holdfast.app.saved_passphrase import load_passphrase

        return load_passphrase(AgentFolder.of(settings.home), warn=session.warn)
    if settings.passphrase_file:
        return read_passphrase(settings.passphrase_file, session=session)
    if session.ask is None:
        raise PassphraseNotGiven
    return session.ask(_("Passphrase of {vault}").format(vault=settings.vault))


def saved_in(settings: Settings) -> str:
    """The file where a registered machine keeps its passphrase."""
    return os.path.join(settings.home, "agent", "passphrase")


def new_passphrase(session: Session, *, file: str | None, lab: bool = False) -> Secret:
    """A passphrase for a new key: from the file named, or typed twice."""
    found = read_passphrase(file, session=session) if file else _typed_twice(session)
    return _long_enough(found, lab=lab)


def first_passphrase(session: Session, *, lab: bool = False) -> Secret:
    """The passphrase of a vault about to be made: same sources, but held to the rules."""
    settings = session.settings
    if settings.passphrase_command:
        return _long_enough(_from_command(session, settings.passphrase_command), lab=lab)
    return new_passphrase(session, file=settings.passphrase_file, lab=lab)


def given_passphrase(session: Session, *, file: str | None, question: str) -> Secret:
    """A passphrase somebody chose before: from the file named, or typed once."""
    if file:
        return read_passphrase(file, session=session)
    if session.ask is None:
        raise PassphraseNotGiven
    return session.ask(question)


def _long_enough(found: Secret, *, lab: bool) -> Secret:
    # People count letters, not the bytes they take.
    length = len(found.reveal().decode(errors="replace"))
    if length < SHORTEST and not lab:
        raise PassphraseTooShort(seen=length, wanted=SHORTEST)
    return found


def read_passphrase(file: str, *, session: Session) -> Secret:
    """The content without the white space around it, as restic reads it."""
    try:
        with open(file, "rb") as stream:
            _warn_if_open_to_others(file, os.fstat(stream.fileno()), session)
            content = stream.read(_LONGEST_FILE)
    except OSError as err:
        raise PassphraseUnreadable(source=file, reason=err.strerror) from err
    return _trimmed(content, source=file)


def _from_command(session: Session, command: str) -> Secret:
    from holdfast.app import processes

    # Only the program is named in messages: its arguments may point to secrets.
    try:
        arguments = shlex.split(command)
    except ValueError as err:
        raise PassphraseUnreadable(source="--passphrase-command", reason=err) from err
    if not arguments:
        raise PassphraseUnreadable(source="--passphrase-command", reason=_("it is empty"))
    done = processes.read_output(arguments, environment=session.settings.harmless)
    if done.status:
        reason = _("it ended with status {status}").format(status=done.status)
        raise PassphraseUnreadable(source=arguments[0], reason=reason)
    return _trimmed(done.said, source=arguments[0])


def _typed_twice(session: Session) -> Secret:
    if session.ask is None:
        raise PassphraseNotGiven
    first = session.ask(_("New passphrase"))
    if session.ask(_("The same again")) != first:
        raise PassphrasesDiffer
    return first


def _trimmed(content: bytes, *, source: str) -> Secret:
    found = content.removeprefix(_BYTE_ORDER_MARK).strip()
    if not found:
        raise PassphraseUnreadable(source=source, reason=_("it is empty"))
    return Secret(found)


def _warn_if_open_to_others(file: str, found: os.stat_result, session: Session) -> None:
    if stat.S_ISREG(found.st_mode) and found.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        session.warn(
            _("{file} can be read by others; close it with `chmod 600 {file}`").format(file=file)
        )
