"""Starting the programs of a user: hooks, passphrase commands, and our own that wait at a gate."""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.app.setup_errors import HookFailed, HookTooSlow
from holdfast.base.clock import Clock
from holdfast.base.programs import Finished, ToolMissing, last_words, run_tool
from holdfast.base.secret import Secret

GATE = b"+"
# A gate behind which the rest of the standard input is a passphrase.
KEYED_GATE = b"k"
_CHUNK = 1 << 16


def run_hook(command: str, *, environment: Mapping[str, str], timeout: float) -> None:
    """Run a user's command line to its end; anything but status 0 is an error."""
    try:
        done = run_tool(["/bin/sh", "-c", command], environment=environment, timeout=timeout)
    except subprocess.TimeoutExpired as err:
        raise HookTooSlow(command=command, seconds=round(timeout)) from err
    if done.status:
        raise HookFailed(command=command, status=done.status, said=last_words(done.said))


def read_output(arguments: Sequence[str], *, environment: Mapping[str, str]) -> Finished:
    """Run a program that may talk to the terminal, and take only its standard output."""
    try:
        # It may ask the person at the terminal for a PIN, so it stays in our session.
        done = subprocess.run(arguments, env=dict(environment), stdout=subprocess.PIPE, check=False)
    except FileNotFoundError as err:
        raise ToolMissing(program=arguments[0]) from err
    return Finished(status=done.returncode, said=done.stdout)


@dataclass(frozen=True, slots=True)
class Launched:
    """A program that runs on its own; it has done nothing yet but wait at its gate."""

    _process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self._process.pid

    def open_gate(self, passphrase: Secret | None = None) -> None:
        """Let it go on. If we die before, its standard input just ends, and so does it."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError), self._process.stdin as gate:
            gate.write(GATE if passphrase is None else KEYED_GATE + passphrase.reveal())

    def has_ended(self) -> bool:
        return self._process.poll() is not None


def launch(arguments: Sequence[str], *, environment: Mapping[str, str], output: int) -> Launched:
    """Start a program in a session of its own that waits for GATE on its standard input.

    All that it says goes to the descriptor `output`.
    """
    try:
        process = subprocess.Popen(
            arguments,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    except FileNotFoundError as err:
        raise ToolMissing(program=arguments[0]) from err
    return Launched(process)


class Conversation:
    """A program that is told a line and answers with one, again and again."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._rest = b""

    def tell(self, line: bytes) -> bool:
        """Whether it is there to hear it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
        except OSError:
            return False
        return True

    def hear(self, *, clock: Clock, within: float) -> bytes | None:
        """Its next line; None: it has ended, or takes too long."""
        assert self._process.stdout is not None
        deadline = clock.monotonic() + within
        while b"\n" not in self._rest:
            left = deadline - clock.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                return None
            content = os.read(self._process.stdout.fileno(), _CHUNK)
            if not content:
                return None
            self._rest += content
        line, _newline, self._rest = self._rest.partition(b"\n")
        return line

    def end(self) -> None:
        """It is gone afterwards, with all it has started; it holds nothing that could be lost."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError), self._process:
            pass


def converse(arguments: Sequence[str], *, environment: Mapping[str, str]) -> Conversation:
    """Start a program to talk with; its complaints go where ours go."""
    try:
        process = subprocess.Popen(
            arguments,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
    except FileNotFoundError as err:
        raise ToolMissing(program=arguments[0]) from err
    return Conversation(process)
