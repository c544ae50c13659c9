"""With a person at a terminal: passphrases are typed unseen, and a bar tells of the work."""

import os
import pty
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.e2e.conftest import PASSPHRASE, SCRIPT, Bench

_PATIENCE = 90


@dataclass(slots=True)
class Terminal:
    """The person's end: what is on the screen, and the keyboard."""

    end: int
    process: subprocess.Popen[bytes]
    screen: bytearray = field(default_factory=bytearray)

    def wait_for(self, text: str) -> None:
        while text.encode() not in self.screen:
            assert self._read(), f"never saw {text!r} in {bytes(self.screen)!r}"

    def type(self, text: str) -> None:
        os.write(self.end, f"{text}\n".encode())

    def finish(self) -> int:
        while self._read():
            pass
        return self.process.wait(_PATIENCE)

    def _read(self) -> bool:
        ready, _out, _err = select.select([self.end], [], [], _PATIENCE)
        try:
            seen = os.read(self.end, 4096) if ready else b""
        except OSError:
            # The other end is closed: Linux says EIO.
            return False
        self.screen += seen
        return bool(seen)


@contextmanager
def _terminal(bench: Bench, *arguments: str, **more: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        # A session of its own with the terminal as its controlling one, as a login has.
        ["setsid", "--ctty", "--wait", SCRIPT, *arguments],
        env=bench.with_({"TERM": "xterm", "COLUMNS": "100", **more}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_new_passphrase_is_typed_twice_and_never_shown(empty: Bench) -> None:
    with _terminal(empty, "vault", "create", HOLDFAST_PASSPHRASE_FILE="") as terminal:
        terminal.wait_for("New passphrase:")
        terminal.type(PASSPHRASE)
        terminal.wait_for("The same again:")
        terminal.type(PASSPHRASE)
        status = terminal.finish()

    assert (status, PASSPHRASE.encode() in terminal.screen) == (0, False)
    empty.run("points")


def test_two_different_passphrases_make_no_vault(empty: Bench) -> None:
    with _terminal(empty, "vault", "create", HOLDFAST_PASSPHRASE_FILE="") as terminal:
        terminal.wait_for("New passphrase:")
        terminal.type(PASSPHRASE)
        terminal.wait_for("The same again:")
        terminal.type(PASSPHRASE + "?")
        status = terminal.finish()

    assert status == 2
    empty.run("points", status=10)


def test_passphrase_is_asked_for_and_interruption_at_the_question_is_quiet(bench: Bench) -> None:
    with _terminal(bench, "points", HOLDFAST_PASSPHRASE_FILE="") as terminal:
        terminal.wait_for(f"Passphrase of {bench.vault}:")
        terminal.type(PASSPHRASE)
        assert terminal.finish() == 0

    with _terminal(bench, "points", HOLDFAST_PASSPHRASE_FILE="") as terminal:
        terminal.wait_for("Passphrase of")
        os.write(terminal.end, b"\x03")
        assert terminal.finish() == 130
    assert b"Traceback" not in terminal.screen


def test_bar_tells_of_the_work_and_is_gone_at_its_end(bench: Bench) -> None:
    for number in range(50):
        bench.write(f"file-{number}", "x" * 10_000)

    with _terminal(bench, "backup", str(bench.source)) as terminal:
        status = terminal.finish()

    screen = terminal.screen.decode()
    assert status == 0
    assert "Backing up" in screen
    assert "Made recovery point" in screen.rpartition("Backing up")[2]


def test_no_core_is_dumped_and_nobody_may_look_in(bench: Bench) -> None:
    bench.write("file")
    seen = bench.root / "seen"

    bench.run("backup", bench.source, "--hook-before", f"cat /proc/$PPID/limits > {seen}")

    (line,) = [text for text in seen.read_text().splitlines() if text.startswith("Max core")]
    assert line.split()[4] == "0"


@pytest.mark.parametrize("home", ["a file", "no room"])
def test_unusable_scratch_stops_a_backup_but_no_reading(bench: Bench, home: str) -> None:
    file = bench.root / "file"
    file.write_text("a file where a folder should be")
    bench.write("something")
    wanted = str(file) if home == "a file" else "/proc/no-such-place"

    said = bench.run("backup", bench.source, status=1, HOLDFAST_HOME=wanted)
    listed = bench.run("points", HOLDFAST_HOME=wanted)

    assert "scratch-unusable, SalVhdInitializationError, 0x1FC07" in said.err
    assert "going on without caches" in listed.err
