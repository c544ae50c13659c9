"""A guest with the real Linux agent in namespaces of its own, to be broken in every way."""

import contextlib
import os
import re
import shutil
import subprocess  # noqa: TID251  a machine beside this one is a process
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.base.clock import SystemClock
from holdfast.testing.guest_machine import CONF, READY, STATE

AGENT = "waagent"
_NEEDED = (AGENT, "unshare", "nsenter", "ip", "ps")
# Administrators' programs are not on everybody's path.
_PATH = f"{os.defpath}:/usr/sbin:/sbin"
_NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc")
_PATIENCE = 90
_LOOK_EVERY = 0.1
_RUNNING = re.compile(r"(?m)^\s*(\d+) .*/waagent -(?:daemon|run-exthandlers)")


def missing_for_guest() -> str:
    """What keeps a guest from being made here; empty when nothing does."""
    if os.geteuid() != 0:
        return "namespaces need root"
    return ", ".join(name for name in _NEEDED if shutil.which(name) is None)


@dataclass(frozen=True, slots=True)
class Guest:
    """A running guest; `pid` is its first process as seen from here."""

    pid: int
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: str | Path, check: bool = True, **more: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command inside to its end."""
        inside = ("nsenter", f"--target={self.pid}", *_NAMESPACES)
        return subprocess.run(  # noqa: S603  a test's own command
            [*inside, *map(str, arguments)],
            env={**self.environment, "PATH": _PATH, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=check,
            timeout=_PATIENCE,
        )

    def path(self, inside: str | Path) -> Path:
        """The guest's file, as one can open it from here."""
        return Path(f"/proc/{self.pid}/root{inside}")

    @property
    def conf(self) -> Path:
        return self.path(CONF)

    @property
    def state(self) -> Path:
        return self.path(STATE)

    @property
    def log(self) -> Path:
        return self.path("/var/log/waagent.log")

    def agents(self) -> list[int]:
        """The agent's processes by their numbers inside."""
        said = self.run("ps", "-eo", "pid=,args=").stdout.decode()
        return [int(pid) for pid in _RUNNING.findall(said)]

    def start_agent(self) -> None:
        """Start it and wait until it has its first goal state."""
        self.run(AGENT, "-start")
        self.wait_for(lambda: self.says("Goal State Period"))

    def stop_agent(self) -> None:
        # The daemon goes first, or it starts its child anew.
        for pid in self.agents():
            self.run("kill", "-9", str(pid), check=False)
        self.wait_for(lambda: not self.agents())

    def says(self, text: str) -> bool:
        return self.log.exists() and text in self.log.read_text(errors="replace")

    def wait_for(self, seen: Callable[[], bool]) -> None:
        if _wait_until(seen):
            return
        said = self.log.read_text(errors="replace") if self.log.exists() else "no log"
        raise RuntimeError(said[-4000:])

    def fill(self) -> Path:
        """Write until the agent's file system takes no more."""
        filler = self.state / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
            while True:
                stream.write(bytes(1 << 16))
        return filler


@contextlib.contextmanager
def guest(environment: Mapping[str, str]) -> Iterator[Guest]:
    """A guest whose agent does not run yet; it is gone afterwards with all its processes."""
    own = ("--fork", "--kill-child", "--mount-proc")
    words = ["unshare", *_NAMESPACES, *own, sys.executable, "-m", "holdfast.testing.guest_machine"]
    process = subprocess.Popen(  # noqa: S603  our own module
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    first = 0
    with process:
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != READY:
                assert process.stderr is not None
                raise RuntimeError(process.stderr.read())
            first = _first_process(process.pid)
            yield Guest(first, environment)
        finally:
            process.kill()
            _wait_until(lambda: not first or not Path(f"/proc/{first}").exists())


def _wait_until(seen: Callable[[], bool]) -> bool:
    clock = SystemClock()
    for _ in range(round(_PATIENCE / _LOOK_EVERY)):
        if seen():
            return True
        clock.sleep(_LOOK_EVERY)
    return False


def _first_process(parent: int) -> int:
    """The only child of the program that made the namespaces."""
    return int(
        Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()[0]
    )
