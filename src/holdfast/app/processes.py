"""Starting the programs of a user: hooks, passphrase commands, and our own that wait at a gate."""

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.app.setup_errors import HookFailed, HookTooSlow
from holdfast.base.programs import Finished, ToolMissing, last_words, run_tool

GATE = b"+"


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

    def open_gate(self) -> None:
        """Let it go on. If we die before, its standard input just ends, and so does it."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError), self._process.stdin as gate:
            gate.write(GATE)

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
