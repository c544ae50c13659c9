"""Machines of a fleet: each with its own network, host name, /etc/hosts and Holdfast home.

with Site(tmp_path) as site:
    site.home.run("up", …)            # the machine with the server
    web = site.add("web1")            # another one, joined to it by a cable
    web.run("register", …)

A machine is a process in namespaces of its own; all of it is gone when that process ends.
"""

import contextlib
import os
import signal
import subprocess  # noqa: TID251  machines and what runs on them are processes
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from holdfast.testing.host_commands import PROGRAM, Request, run

SERVER_NAME = "backup.test"
_PATIENCE = 120.0
_HOLD = "echo ready; read -r _line"


@dataclass(frozen=True, slots=True)
class Ended:
    status: int
    out: str
    err: str


@dataclass(slots=True)
class FleetMachine:
    """Its folder holds its home, and files it is given."""

    name: str
    folder: Path
    _holder: subprocess.Popen[bytes] = field(init=False)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        # So that a change of a mount here is seen nowhere else.
        words = ["unshare", "--net", "--uts", "--mount", "--propagation", "private"]
        self._holder = subprocess.Popen(  # noqa: S603  our own words
            [*words, "sh", "-c", _HOLD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            raise RuntimeError("no namespaces can be made here")
        self.hosts.write_text("127.0.0.1 localhost\n", encoding="ascii")
        self.call("hostname", self.name)
        self.call("ip", "link", "set", "lo", "up")
        self.call("mount", "--bind", str(self.hosts), "/etc/hosts")

    @property
    def pid(self) -> int:
        return self._holder.pid

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def hosts(self) -> Path:
        return self.folder / "hosts"

    def know(self, address: str, name: str) -> None:
        """In place: the file is mounted."""
        self.hosts.write_text(
            f"127.0.0.1 localhost {self.name}\n{address} {name}\n", encoding="ascii"
        )

    def words(self, *words: str | Path) -> list[str]:
        enter = ["nsenter", f"--target={self.pid}", "--net", "--uts", "--mount", "--"]
        return [*enter, *map(str, words)]

    def environment(self, more: dict[str, str] | None = None) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],  # noqa: TID251  what its commands are found by
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "HOLDFAST_HOME": str(self.home),
            **(more or {}),
        }

    def call(self, *words: str | Path) -> str:
        """A command of the system on this machine, which must succeed."""
        done = subprocess.run(  # noqa: S603  of the tests' own
            self.words(*words), capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def run(self, *words: str | Path, **more: str) -> Ended:
        """`holdfast` on this machine, to its end."""
        request = Request(
            words=[str(PROGRAM), *map(str, words)],
            env=self.environment(more),
            cwd=str(Path.cwd()),
            target=self.pid,
        )
        status, out, err = run(request, within=_PATIENCE)
        return Ended(status, out.decode(), err.decode())

    def program(self, *words: str | Path, **more: str) -> Ended:
        done = subprocess.run(  # noqa: S603  of the tests' own
            self.words(*words),
            env=self.environment(more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """`holdfast` on this machine, running until it is stopped or the machine ends."""
        return self.launch(PROGRAM, *words)

    def launch(self, *words: str | Path) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  of the tests' own
                self.words(*words),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._running.append(process)
        return process

    def end(self) -> None:
        """In order where it can be had; nothing is left."""
        for process in reversed(self._running):
            stop(process)
        assert self._holder.stdin is not None
        self._holder.stdin.close()
        self._holder.wait(_PATIENCE)
        assert self._holder.stdout is not None
        self._holder.stdout.close()


def stop(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
    """`nsenter` becomes the program, so the signal reaches it."""
    with process:
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


class Site:
    """The machine that has the server, and others that reach it by the name SERVER_NAME."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.main = FleetMachine("site", folder / "site")
        self.main.know("127.0.0.1", SERVER_NAME)
        self._others: list[FleetMachine] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for machine in (*self._others, self.main):
            with contextlib.suppress(RuntimeError):
                machine.end()

    def add(self, name: str) -> FleetMachine:
        """Another machine, on a cable of its own."""
        machine = FleetMachine(name, self._folder / name)
        self._others.append(machine)
        number = len(self._others)
        here, there = f"10.77.{number}.1", f"10.77.{number}.2"
        port = f"port{number}"
        peer = ("peer", "name", "eth0", "netns", str(machine.pid))
        self.main.call("ip", "link", "add", port, "type", "veth", *peer)
        for owner, cable, address in ((self.main, port, here), (machine, "eth0", there)):
            owner.call("ip", "addr", "add", f"{address}/30", "dev", cable)
            owner.call("ip", "link", "set", cable, "up")
        machine.know(here, SERVER_NAME)
        return machine
