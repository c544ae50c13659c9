"""Starting other programs: user hooks, passphrase commands, stock tools. The only place for it."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from holdfast.app.setup_errors import HookFailed, HookTooSlow, ToolMissing

GATE = b"+"
_LAST_WORDS = 300
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a program ended; `said` is all of its output."""

    status: int
    said: bytes


def run_hook(command: str, *, environment: Mapping[str, str], timeout: float) -> None:
    """Run a user's command line to its end; anything but status 0 is an error."""
    try:
        done = _run(
            ["/bin/sh", "-c", command], environment, timeout=timeout, stderr=subprocess.STDOUT
        )
    except subprocess.TimeoutExpired as err:
        raise HookTooSlow(command=command, seconds=round(timeout)) from err
    if done.status:
        raise HookFailed(command=command, status=done.status, said=last_words(done.said))


def run_tool(
    arguments: Sequence[str], *, environment: Mapping[str, str], timeout: float | None = None
) -> Finished:
    """Run a program with its output and complaints in one."""
    return _run(arguments, environment, timeout=timeout, stderr=subprocess.STDOUT)


def read_output(arguments: Sequence[str], *, environment: Mapping[str, str]) -> Finished:
    """Run a program that may talk to the terminal, and take only its standard output."""
    try:
        # It may ask the person at the terminal for a PIN, so it stays in our session.
        done = subprocess.run(arguments, env=dict(environment), stdout=subprocess.PIPE, check=False)
    except FileNotFoundError as err:
        raise ToolMissing(program=arguments[0]) from err
    return Finished(status=done.returncode, said=done.stdout)


def ask_tool(
    arguments: Sequence[str], *, environment: Mapping[str, str], timeout: float
) -> Finished | None:
    """Run a program for what it prints, without its complaints; None when it takes too long."""
    try:
        return _run(arguments, environment, timeout=timeout, stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return None


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


@dataclass(frozen=True, slots=True)
class Service:
    """A program that runs until it is told to end."""

    _process: subprocess.Popen[bytes]

    def status(self) -> int | None:
        """How it ended; None: it runs."""
        return self._process.poll()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


def start_service(
    arguments: Sequence[str], *, environment: Mapping[str, str], log: IO[bytes], inherits: int
) -> Service:
    """Start a program in a session of its own, so that Ctrl-C reaches us alone.

    All that it says goes to `log`; the descriptor `inherits` stays open in it.
    """
    process = subprocess.Popen(
        arguments,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        start_new_session=True,
        pass_fds=(inherits,),
    )
    return Service(process)


def has_tool(program: str) -> bool:
    return shutil.which(program) is not None


def administrators_path(environment: Mapping[str, str]) -> str:
    """Where to look for programs that are on the path of administrators only."""
    return f"{environment.get('PATH', os.defpath)}:{_SBIN}"


def last_words(said: bytes) -> str:
    """The end of what a program said, fit for one line."""
    lines = said.decode(errors="backslashreplace").split("\n")
    words = " / ".join(line.strip() for line in lines if line.strip())
    return words[-_LAST_WORDS:] or "-"


def _run(
    arguments: Sequence[str], environment: Mapping[str, str], *, timeout: float | None, stderr: int
) -> Finished:
    with _started(arguments, environment, stderr=stderr) as process:
        said, _none = process.communicate(timeout=timeout)
        return Finished(status=process.returncode, said=said)


@contextlib.contextmanager
def _started(
    arguments: Sequence[str], environment: Mapping[str, str], *, stderr: int
) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a session of its own, which is gone with all its children afterwards."""
    try:
        process = subprocess.Popen(
            arguments,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except FileNotFoundError as err:
        raise ToolMissing(program=arguments[0]) from err
    with process:
        try:
            yield process
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
