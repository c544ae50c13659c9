"""Passphrases: read as restic reads them, never shown, asked for only where somebody is."""

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.secret_sources import first_passphrase, new_passphrase, passphrase_of
from holdfast.app.setup_errors import (
    PassphraseNotGiven,
    PassphrasesDiffer,
    PassphraseTooShort,
    PassphraseUnreadable,
)
from holdfast.app.wiring import Session
from holdfast.base.secret import Secret

LONG = "correct horse battery staple"


class _Person:
    """Types the answers given, in order, and reads the warnings."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.warned: list[str] = []

    def ask(self, question: str) -> Secret:
        self.asked.append(question)
        return Secret(self.answers.pop(0).encode())

    def session(self, **settings: object) -> Session:
        chosen = Settings(home="/nowhere", keyring=timedelta(0), **settings)  # type: ignore[arg-type]  # tests name what they need
        return Session(settings=chosen, warn=self.warned.append, ask=self.ask)


def _file(folder: Path, content: bytes, mode: int = 0o600) -> str:
    path = folder / "phrase"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    "content",
    [b"open sesame", b"open sesame\n", b" open sesame \r\n", b"\xef\xbb\xbfopen sesame\n"],
)
def test_file_is_read_without_the_space_around(tmp_path: Path, content: bytes) -> None:
    person = _Person()

    found = passphrase_of(person.session(passphrase_file=_file(tmp_path, content)))

    assert found.reveal() == b"open sesame"
    assert person.warned == []


def test_file_others_can_read_is_warned_of(tmp_path: Path) -> None:
    person = _Person()

    passphrase_of(person.session(passphrase_file=_file(tmp_path, b"open sesame", 0o644)))

    assert "chmod 600" in person.warned[0]


@pytest.mark.parametrize("content", [b"", b" \n"])
def test_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PassphraseUnreadable, match="empty"):
        passphrase_of(_Person().session(passphrase_file=_file(tmp_path, content)))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PassphraseUnreadable, match="absent"):
        passphrase_of(_Person().session(passphrase_file=str(tmp_path / "absent")))


def test_command_gives_its_output(tmp_path: Path) -> None:
    session = _Person().session(
        passphrase_command="sh -c 'echo open sesame'", harmless={"PATH": "/usr/bin:/bin"}
    )

    assert passphrase_of(session).reveal() == b"open sesame"


@pytest.mark.parametrize("command", ["sh -c 'echo secret; exit 3'", "'unclosed", " "])
def test_command_that_fails_is_refused_without_its_output(command: str) -> None:
    session = _Person().session(passphrase_command=command, harmless={"PATH": "/usr/bin:/bin"})

    with pytest.raises(PassphraseUnreadable) as caught:
        passphrase_of(session)

    assert "secret" not in str(caught.value)


def test_person_is_asked_when_nothing_is_named() -> None:
    person = _Person("open sesame")

    assert passphrase_of(person.session(vault="/v")).reveal() == b"open sesame"
    assert "/v" in person.asked[0]


def test_nobody_there_is_an_error_not_a_question() -> None:
    session = Session(settings=Settings(home="/nowhere"), warn=print)

    with pytest.raises(PassphraseNotGiven):
        passphrase_of(session)


def test_new_passphrase_is_typed_twice_the_same() -> None:
    assert new_passphrase(_Person(LONG, LONG).session(), file=None).reveal() == LONG.encode()

    with pytest.raises(PassphrasesDiffer):
        new_passphrase(_Person(LONG, LONG + "r").session(), file=None)


def test_short_new_passphrase_is_refused_except_in_the_lab(tmp_path: Path) -> None:
    file = _file(tmp_path, b"short")

    with pytest.raises(PassphraseTooShort):
        new_passphrase(_Person().session(), file=file)
    with pytest.raises(PassphraseTooShort):
        first_passphrase(_Person().session(passphrase_file=file))

    assert new_passphrase(_Person().session(), file=file, lab=True).reveal() == b"short"


def test_length_counts_characters_not_bytes() -> None:
    korean = "가나다라마바사아"  # eight letters, 24 bytes

    with pytest.raises(PassphraseTooShort):
        new_passphrase(_Person(korean, korean).session(), file=None)
