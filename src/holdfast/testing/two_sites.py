"""Two hosts that are each other's site: what fails over to the second can come back to the first.

with two_hosts() as hosts, two_sites(*hosts) as sites:
    sites.work()                                  # on both: `replication serve` and `replication run`
    sites.north.run("replication", "enable", "web", "--to", "south", "--every", "30s")
    sites.south.run("failover", "web", "--unplanned")
    sites.north.kill()                            # SIGKILL of both processes there

Everything lies in the hosts' own folders and goes with them.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from holdfast.base.clock import SystemClock
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.host_commands import PROGRAM
from holdfast.testing.hosts import NORTH, SOUTH, KvmHost
from holdfast.testing.replicated import Said, Side, Working, ready
from holdfast.testing.waiting import wait_until

# A command that is beside others' work.
_WITHIN = 180.0


@dataclass(slots=True)
class Station:
    """One host, with a site and with machines of its own."""

    side: Side
    name: str
    serving: Working | None = field(default=None, init=False)
    running: Working | None = field(default=None, init=False)
    # What runs `replication run`, where it is not the program itself.
    runner: tuple[str | Path, ...] = field(default=(PROGRAM,), init=False)

    @property
    def host(self) -> KvmHost:
        return self.side.host

    @property
    def home(self) -> Path:
        return self.side.home

    @property
    def replicas(self) -> Path:
        return self.side.folder / "replicas"

    def run(self, *words: str | Path, status: int | None = 0) -> Said:
        return self.side.run(*words, status=status)

    def serve(self) -> None:
        ready(self._begun_serving(), "site-serving")

    def follow(self) -> None:
        ready(self._begun_following(), "replication-running")

    def work(self) -> None:
        """Both processes, where they are not at work; neither waits for the other to be up."""
        serving, running = self._begun_serving(), self._begun_following()
        ready(serving, "site-serving")
        ready(running, "replication-running")

    def _begun_serving(self) -> Working:
        if self.serving is None or not self.serving.is_at_work:
            words = ("replication", "serve", "--folder", self.replicas, "--name", self.name)
            self.serving = self.side.start(*words, "--json")
        return self.serving

    def _begun_following(self) -> Working:
        if self.running is None or not self.running.is_at_work:
            words = ("replication", "run", "--json")
            self.running = self.side.start(*words, program=self.runner)
        return self.running

    def kill(self) -> None:
        for working in (self.serving, self.running):
            if working is not None:
                working.kill()

    def kill_at(self, words: tuple[str, ...], step: str, state: str) -> None:
        """SIGKILL of a command once it tells that of a step; or it has ended before, in order."""
        working = self.side.start(*words)

        def has_come() -> bool:
            return (step, state) in _steps_told(working.log) or not working.is_at_work

        wait_until(has_come, within=_WITHIN)
        working.kill()

    def rest(self) -> None:
        """Neither of them, in order."""
        for working in (self.running, self.serving):
            if working is not None:
                working.stop()

    def forget(self, vm: str) -> None:
        """All that is kept here of a machine that is gone."""
        self.rest()
        for kept in (SourceFolder(str(self.home), vm), RecordFolder(str(self.home), vm)):
            shutil.rmtree(kept.path, ignore_errors=True)
        shutil.rmtree(self.replicas / vm, ignore_errors=True)
        self.work()

    def admit(self, other: "Station") -> None:
        """The other one may send its machines here, and knows where that is."""
        self.serve()
        file = self.side.folder / f"{self.name}-for-{other.name}.file"
        words = ("replication", "admit", other.name, "--address", self.side.address)
        self.run(*words, "--output", file)
        other.run("replication", "join", file)

    def facts(self, uuid: str) -> ReplicaFacts | None:
        """What this site has of a machine, as it is written there."""
        return Site(self.replicas, SystemClock()).state(uuid)


@dataclass(slots=True)
class TwoSites:
    north: Station
    south: Station

    def work(self) -> None:
        self.north.work()
        self.south.work()

    def rest(self) -> None:
        self.north.rest()
        self.south.rest()


def _steps_told(log: Path) -> set[tuple[str, str]]:
    lines = [line for line in log.read_text().split("\n")[:-1] if line.startswith("{")]
    events = [json.loads(line) for line in lines]
    return {(one["step"], one["state"]) for one in events if one["event"] == "recovery-step"}


@contextlib.contextmanager
def two_sites(north: KvmHost, south: KvmHost) -> Iterator[TwoSites]:
    """Introduced to each other, both sites at work; hosts may be used again afterwards."""
    sites = TwoSites(
        Station(Side(north, NORTH), "north"),
        Station(Side(south, SOUTH), "south"),
    )
    try:
        sites.south.admit(sites.north)
        sites.north.admit(sites.south)
        yield sites
    finally:
        sites.rest()
        for station in (sites.north, sites.south):
            shutil.rmtree(station.side.folder, ignore_errors=True)
