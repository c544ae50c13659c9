"""Commands on hosts of the tests' own: begun as by a person, or by a Python that is warm already.

request = Request(words=[PROGRAM, "points"], env={...}, cwd="/", target=host.pid)
status, out, err = run(request, within=60)

Most of what a short command costs is the reading of its program, and the tests of hosts start
thousands. A warm Python has read it before, and becomes each command that is asked of it: a process
of its own all the same, in the namespaces of its host, killed and ended like any other. Figures
that people are shown, and tests of the start itself, are of commands that are begun as ever.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess  # noqa: TID251  commands are processes
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from ctypes import CDLL, get_errno
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NoReturn

import msgspec

PROGRAM = Path(sys.executable).with_name("holdfast")
# What it reads from, and writes to: its words and its errors.
Streams = tuple[int, int, int]

_NAMESPACES = ("uts", "net", "pid", "mnt")
_LARGEST = 1 << 20
# Children's first modules look at how they were started, and the server's are not for commands.
_OTHERS = ("_child", "__main__")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The first of `words` is a program in Python.

    `target` is a process whose namespaces it enters, as `nsenter` does.
    """

    words: Sequence[str]
    env: dict[str, str]
    cwd: str
    target: int


def entering(target: int) -> list[str]:
    """Before a command: it enters the namespaces of a host, and may be told more of how."""
    return ["nsenter", f"--target={target}", "--net", "--mount", "--pid", "--uts"]


def cold(request: Request, streams: Streams) -> subprocess.Popen[bytes]:
    """As a person would; `nsenter` waits for it."""
    stdin, stdout, stderr = streams
    return subprocess.Popen(  # noqa: S603  of the tests' own
        [*entering(request.target), f"--wd={request.cwd}", "--", sys.executable, *request.words],
        env=request.env,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )


@dataclass(slots=True)
class Begun:
    """As a process of `subprocess`; its only child is the command, as that of `nsenter` is."""

    pid: int
    _ending: int
    stdin: IO[bytes] | None = field(default=None, init=False)
    stdout: IO[bytes] | None = field(default=None, init=False)
    returncode: int | None = field(default=None, init=False)

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float) -> int:
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired([str(self.pid)], timeout)
        return status

    def _look(self, seconds: float) -> int | None:
        if self.returncode is None and select.select([self._ending], [], [], seconds)[0]:
            said = os.read(self._ending, 16)
            os.close(self._ending)
            # Who says nothing was killed itself.
            self.returncode = int(said) if said else -signal.SIGKILL
        return self.returncode


Process = Begun | subprocess.Popen[bytes]


@dataclass(slots=True)
class Warm:
    """It ends with whoever started it."""

    _line: socket.socket
    _one_by_one: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, request: Request, streams: Streams) -> Begun:
        ending, told = os.pipe()
        with self._one_by_one:
            socket.send_fds(self._line, [msgspec.json.encode(request)], [*streams, told])
            os.close(told)
            return Begun(int(self._line.recv(16)), ending)

    def talk(self, request: Request, err: int) -> Begun:
        """Whoever wants to, writes to its `stdin` and reads from its `stdout`, and closes both."""
        (heard, stdin), (stdout, said) = os.pipe(), os.pipe()
        begun = self.begin(request, (heard, said, err))
        os.close(heard)
        os.close(said)
        # Unbuffered: what is not read any more is not written once more when it is closed.
        begun.stdin = open(stdin, "wb", buffering=0)  # noqa: SIM115  closed by who talks
        begun.stdout = open(stdout, "rb")  # noqa: SIM115  as above
        return begun


@functools.cache
def warm() -> Warm:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(  # noqa: S603  of the tests' own
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
    atexit.register(_end, ours, process)
    return Warm(ours)


def quick(request: Request, streams: Streams) -> Begun:
    return warm().begin(request, streams)


_way: Callable[[Request, Streams], Process] = cold


def be_quick() -> None:
    """From now on, in this process."""
    global _way  # noqa: PLW0603  of the whole run of tests
    _way = quick


def begin(request: Request, streams: Streams) -> Process:
    return _way(request, streams)


def run(request: Request, *, within: float) -> tuple[int, bytes, bytes]:
    """To its end: the status, and what it said."""
    with open(os.devnull, "rb") as nothing, TemporaryFile() as out, TemporaryFile() as err:
        process = begin(request, (nothing.fileno(), out.fileno(), err.fileno()))
        try:
            status = process.wait(within)
        except subprocess.TimeoutExpired as late:
            signal_to(process, signal.SIGKILL)
            process.wait(within)
            late.cmd, late.output, late.stderr = request.words, _read(out), _read(err)
            late.add_note(f"it said: {late.output!r} {late.stderr!r}")
            raise
        return status, _read(out), _read(err)


def signal_to(process: Process, number: signal.Signals) -> None:
    """To the command itself: who began it waits for it."""
    for child in children_of(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)


def children_of(pid: int) -> list[int]:
    """None of one that has ended meanwhile."""
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _end(line: socket.socket, process: subprocess.Popen[bytes]) -> None:
    line.close()
    process.wait()


def _serve(line: socket.socket) -> None:
    _read_program()
    # Nobody asks how the commands ended but those who have a pipe of theirs.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        said, fds, _flags, _address = socket.recv_fds(line, _LARGEST, 4)
        if not said:
            return
        pid = os.fork()
        if pid == 0:
            line.close()
            _begin(msgspec.json.decode(said, type=Request), fds)
        for each in fds:
            os.close(each)
        line.send(str(pid).encode())


def _read_program() -> None:
    importlib.import_module("holdfast.cli.lean").stay_lean()
    for package in map(importlib.import_module, ("holdfast.cli", "holdfast.app")):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not module.ispkg and not module.name.endswith(_OTHERS):
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


def _begin(request: Request, fds: Sequence[int]) -> NoReturn:
    """Waits for the command, which alone is in the other namespace of processes."""
    status = 1
    with contextlib.suppress(BaseException):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            _enter(request.target)
            os.chdir(request.cwd)
            child = os.fork()
        except OSError:
            # As of a host that has ended.
            os.write(fds[2], traceback.format_exc().encode())
            raise
        if child == 0:
            os.close(fds[3])
            _become(request, fds[:3])
        for each in fds[:3]:
            os.close(each)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(fds[3], str(status).encode())
    os._exit(0)


def _enter(target: int) -> None:
    libc = CDLL(None, use_errno=True)
    spaces = [os.open(f"/proc/{target}/ns/{one}", os.O_RDONLY) for one in _NAMESPACES]
    for each in spaces:
        if libc.setns(each, 0):
            raise OSError(get_errno(), os.strerror(get_errno()))
        os.close(each)


def _become(request: Request, streams: Sequence[int]) -> NoReturn:
    for number, each in enumerate(streams):
        os.dup2(each, number)
        os.close(each)
    os.environ.clear()  # noqa: TID251  that of the command
    os.environ.update(request.env)  # noqa: TID251  as above
    sys.argv = list(request.words)
    status: object = 1
    try:
        runpy.run_path(request.words[0], run_name="__main__")
        status = 0
    except SystemExit as err:
        status = err.code
    except BaseException:
        traceback.print_exc()
    # Its threads end first, as at the end of any program.
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001  the interpreter offers no other way
    sys.stdout.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as _line:
        _serve(_line)
