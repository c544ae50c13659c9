"""Two hosts of which one follows the other's machines, by commands as a person types them.

with two_hosts() as hosts, replicated(*hosts) as pair:
    pair.source.run("replication", "enable", "web", "--to", "south", "--every", "30s")
    pair.work()                              # `replication run` there, `replication serve` here
    pair.facts(uuid).points                  # what the site can start
    pair.source_work.kill()                  # SIGKILL; `pair.work()` again starts what is gone

    with replicating_guest(pair, "web") as guest: ...   # followed from its first moment on

Everything lies in the hosts' own folders and goes with them.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess  # noqa: TID251  hosts and what runs on them are processes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from holdfast.base.clock import SystemClock
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.site import Site
from holdfast.replication.status import ReplicationStatus
from holdfast.testing.guests import Guest
from holdfast.testing.host_commands import PROGRAM, Process, Request, begin, run, signal_to
from holdfast.testing.hosts import NORTH, SOUTH, KvmHost
from holdfast.testing.waiting import wait_until

_PATIENCE = 240.0
# Long enough for a first copy on a machine that has much else to do.
COPIED_WITHIN = 180.0


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def event(self, name: str) -> dict[str, Any]:
        (found,) = [event for event in self.events if event["event"] == name]
        return found


@dataclass(slots=True)
class Working:
    """A command that goes on; who began it waits for it, and what we kill is the command itself."""

    process: Process
    log: Path

    @property
    def is_at_work(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """In order; the status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        if self.is_at_work:
            signal_to(self.process, number)
        try:
            return self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end: {self.log.read_text()[-2000:]}") from None


@dataclass(slots=True)
class Side:
    """One host with a Holdfast home of its own."""

    host: KvmHost
    address: str
    _logs: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)

    @property
    def folder(self) -> Path:
        return self.host.folder / "holdfast"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],  # noqa: TID251  what its commands are found by
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "HOLDFAST_HOME": str(self.home),
        }

    def run(self, *words: str | Path, status: int | None = 0) -> Said:
        """`holdfast` there, to its end; `status` is the one wanted, None for whichever."""
        request = self.request(PROGRAM, *words)
        ended, out, err = run(request, within=_PATIENCE)
        said = Said(ended, out.decode(), err.decode())
        assert status is None or said.status == status, f"{words}: {said.out}\n{said.err}"
        return said

    def start(
        self, *words: str | Path, program: Sequence[str | Path] = (PROGRAM,), **more: str
    ) -> Working:
        """`holdfast` there, until it is stopped or the host ends."""
        self._logs += 1
        log = self.folder / f"log{self._logs}"
        request = self.request(*program, *words, **more)
        with log.open("wb") as output, open(os.devnull, "rb") as nothing:
            streams = (nothing.fileno(), output.fileno(), output.fileno())
            return Working(begin(request, streams), log)

    def request(self, *words: str | Path, **more: str) -> Request:
        """The first of the words is a program in Python."""
        return Request(
            words=[*map(str, words)],
            env=self.environment() | more,
            cwd=str(self.folder),
            target=self.host.pid,
        )


@dataclass(slots=True)
class Pair:
    """The first follows nobody; the second has the replicas."""

    source: Side
    site: Side
    name: str = "south"
    source_work: Working | None = None
    site_work: Working | None = None

    @property
    def replicas(self) -> Path:
        return self.site.folder / "replicas"

    def introduce(self) -> None:
        """The site admits the source, which joins it."""
        self.serve()
        file = self.site.folder / "south.file"
        words = ("replication", "admit", "north", "--address", self.site.address)
        self.site.run(*words, "--output", file)
        self.source.run("replication", "join", file)

    def serve(self) -> None:
        if self.site_work is None or not self.site_work.is_at_work:
            words = ("replication", "serve", "--folder", self.replicas, "--name", self.name)
            self.site_work = ready(self.site.start(*words, "--json"), "site-serving")

    def follow(self) -> None:
        if self.source_work is None or not self.source_work.is_at_work:
            working = self.source.start("replication", "run", "--json")
            self.source_work = ready(working, "replication-running")

    def work(self) -> None:
        """Both processes, where they are not at work."""
        self.serve()
        self.follow()

    def enable(self, name: str, *options: str) -> Said:
        """Comes back when the site has two points of it."""
        # Its host is no site for the other one.
        to = ("--to", self.name, "--every", "30s", "--one-way")
        return self.source.run("replication", "enable", name, *to, *options, "--json")

    def kill_source(self) -> None:
        if self.source_work is not None:
            self.source_work.kill()

    def kill_site(self) -> None:
        if self.site_work is not None:
            self.site_work.kill()

    def kill_both(self) -> None:
        self.kill_source()
        self.kill_site()

    def rest(self) -> None:
        """Neither of them, in order."""
        for working in (self.source_work, self.site_work):
            if working is not None:
                working.stop()

    def facts(self, uuid: str) -> ReplicaFacts | None:
        """What the site has of a machine, as it is written there."""
        return Site(self.replicas, SystemClock()).state(uuid)

    def content(self, uuid: str, generation: str, target: str) -> bytes:
        """What a machine started at that point would find on a disk."""
        site, who = Site(self.replicas, SystemClock()), "tests"
        image = site.attach(uuid, generation, who=who)[target]
        try:
            raw = self.site.folder / "read"
            words = ("qemu-img", "convert", "-U", "-O", "raw", image, raw)
            subprocess.run(words, check=True, capture_output=True)  # noqa: S603  our own words
            return raw.read_bytes()
        finally:
            site.unpin(uuid, generation, who=who)

    def status(self, uuid: str) -> ReplicationStatus | None:
        """As the source has written it last."""
        with contextlib.suppress(FileNotFoundError):
            content = (self.source.home / "replication" / uuid / "status.json").read_bytes()
            return msgspec.json.decode(content, type=ReplicationStatus)
        return None

    def newest(self, uuid: str) -> str:
        facts = self.facts(uuid)
        return facts.points[-1].generation if facts and facts.points else ""

    def wait_for_point(self, uuid: str, *, after: str = "") -> str:
        """The generation of a newer point than that one."""
        wait_until(lambda: self.newest(uuid) not in ("", after), within=COPIED_WITHIN)
        return self.newest(uuid)


@contextlib.contextmanager
def replicated(north: KvmHost, south: KvmHost) -> Iterator[Pair]:
    """Introduced to each other, and the site at work; hosts may be used again afterwards."""
    pair = Pair(Side(north, NORTH), Side(south, SOUTH))
    try:
        pair.introduce()
        yield pair
    finally:
        pair.rest()
        for side in (pair.source, pair.site):
            shutil.rmtree(side.folder, ignore_errors=True)


@contextlib.contextmanager
def replicating_guest(pair: Pair, name: str, *options: str) -> Iterator[Guest]:
    """A guest of the first host that runs and is followed; nothing of it is left."""
    guest = Guest(pair.source.host, name)
    try:
        guest.start()
        pair.work()
        pair.enable(name, *options)
        yield guest
    finally:
        pair.serve()
        pair.source.run("replication", "disable", name, status=None)
        guest.remove()


def ready(working: Working, event: str) -> Working:
    """Once it has said so."""

    def has_said() -> bool:
        said = working.log.read_text(errors="replace")
        assert working.is_at_work or event in said, said[-2000:]
        return event in said

    wait_until(has_said)
    return working
