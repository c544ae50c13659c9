"""Starting stock programs: to the end, for what they print, or until they are told to end."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_

_LAST_WORDS = 300
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


class ToolMissing(HoldfastError):
    code = "tool-missing"
    sentence = N_("The program {program} is not installed")
    remedy = N_("Install it, for example with `apt-get install {program}`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a program ended; `said` is all of its output, `complained` what was asked for apart."""

    status: int
    said: bytes
    complained: bytes = b""


def run_tool(
    arguments: Sequence[str], *, environment: Mapping[str, str], timeout: float | None = None
) -> Finished:
    """Run a program with its output and complaints in one."""
    return _run(arguments, environment, timeout=timeout, stderr=subprocess.STDOUT)


def consult_tool(
    arguments: Sequence[str], *, environment: Mapping[str, str], timeout: float | None = None
) -> Finished:
    """Run a program with its output and complaints apart."""
    return _run(arguments, environment, timeout=timeout, stderr=subprocess.PIPE)


def ask_tool(
    arguments: Sequence[str], *, environment: Mapping[str, str], timeout: float
) -> Finished | None:
    """Run a program for what it prints, without its complaints; None when it takes too long."""
    try:
        return _run(arguments, environment, timeout=timeout, stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return None


@dataclass(frozen=True, slots=True)
class Service:
    """A program that runs until it is told to end."""

    _process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self._process.pid

    def status(self) -> int | None:
        """How it ended; None: it runs."""
        return self._process.poll()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def end(self, *, patience: float) -> None:
        """Ask it to end, make it end when it takes too long; it is gone afterwards."""
        self.signal(signal.SIGTERM)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._process.wait()


def start_service(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: IO[bytes],
    inherits: int | None = None,
) -> Service:
    """Start a program in a session of its own, so that Ctrl-C reaches us alone.

    All that it says goes to `log`; the descriptor `inherits` stays open in it.
    """
    try:
        process = subprocess.Popen(
            arguments,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            pass_fds=() if inherits is None else (inherits,),
        )
    except FileNotFoundError as err:
        raise ToolMissing(program=arguments[0]) from err
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
        said, complained = process.communicate(timeout=timeout)
        return Finished(status=process.returncode, said=said, complained=complained or b"")


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
