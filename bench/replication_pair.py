"""Two hosts that replicate, and cycles asked for one by one."""

import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.binding import load
from holdfast.hypervisor.connection import Host
from holdfast.replication.cycle_record import read_cycles
from holdfast.replication.cycles import Cycle, Outcome
from holdfast.replication.replicator_wishes import ask_for_cycle
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.hosts import SOUTH, KvmHost, two_hosts
from holdfast.testing.replicated import Pair, Working, replicated
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until

_CLOCK = SystemClock()
_PATIENCE = 300.0
_PORT = 8730
PIECE = 64 << 10


@dataclass(slots=True)
class Ground:
    """Machines come and go; the two processes stay at work."""

    hypervisor: Host
    north: KvmHost
    south: KvmHost
    pair: Pair
    _names: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    @contextmanager
    def still(self, size: int) -> Iterator[StillMachine]:
        """One with a disk, which the site has a point of."""
        name = f"still{next(self._names)}"
        machine = StillMachine(
            host=self.north,
            hypervisor=self.hypervisor,
            name=name,
            sizes={"vda": size},
            is_known=False,
        )
        try:
            machine.start()
            with self.enabled(name, machine.uuid):
                yield machine
        finally:
            machine.remove()

    @contextmanager
    def enabled(self, name: str, uuid: str) -> Iterator[None]:
        """By its schedule it has no cycle while it is measured."""
        words = ("--to", self.pair.name, "--every", "15m", "--app-every", "never", "--one-way")
        self.pair.source.run("replication", "enable", name, *words, "--host", self.north.uri)
        self.pair.wait_for_point(uuid)
        try:
            yield
        finally:
            self.pair.source.run("replication", "disable", name)

    def cycles(self, uuids: Sequence[str]) -> list[Cycle]:
        """One of each, all asked for at the same time; when the site has acknowledged them."""
        before = {uuid: _newest(self._folder(uuid)) for uuid in uuids}
        for uuid in uuids:
            ask_for_cycle(self._source(uuid), _CLOCK)

        def found() -> list[Cycle]:
            cycles = [(uuid, self._last(uuid)) for uuid in uuids]
            return [each for uuid, each in cycles if each and each.due > before[uuid]]

        wait_until(lambda: len(found()) == len(uuids), within=_PATIENCE)
        return found()

    @contextmanager
    def cycling(self, uuid: str) -> Iterator[None]:
        """One cycle after the other, until the block ends."""
        stop = Event()

        def run() -> None:
            while not stop.is_set():
                self.cycles([uuid])

        thread = Thread(target=run, name="cycling")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    @contextmanager
    def slow_link(self, mbit: int) -> Iterator[None]:
        """Both ends of the cable let no more than that through."""
        shape = ("root", "tbf", "rate", f"{mbit}mbit", "burst", "128kb", "latency", "50ms")
        for host in (self.north, self.south):
            host.run("tc", "qdisc", "add", "dev", "eth0", *shape)
        try:
            yield
        finally:
            for host in (self.north, self.south):
                host.run("tc", "qdisc", "del", "dev", "eth0", "root")

    def _last(self, uuid: str) -> Cycle | None:
        shipped = [
            each
            for each in read_cycles(self._folder(uuid))
            if each.outcome is Outcome.SHIPPED and each.acked
        ]
        return shipped[-1] if shipped else None

    def _folder(self, uuid: str) -> Path:
        return self._source(uuid).path

    def _source(self, uuid: str) -> SourceFolder:
        return SourceFolder(str(self.pair.source.home), uuid)


def seconds(cycle: Cycle) -> float:
    assert cycle.begun is not None
    assert cycle.acked is not None
    return (cycle.acked - cycle.begun).total_seconds()


def dirty(machine: StillMachine, count: int, *, seed: int, piece: int = PIECE) -> int:
    """Write so many bytes, no piece twice, to random places; nothing of it can be compressed."""
    chosen = random.Random(seed)
    places = chosen.sample(range(1, machine.sizes["vda"] // piece), count // piece)
    for place in places:
        machine.write("vda", place * piece, chosen.randbytes(piece))
    return len(places) * piece


@contextmanager
def rsync_daemon(host: KvmHost, folder: Path) -> Iterator[str]:
    """Its address; what lies in the folder can be written."""
    folder.mkdir()
    config = folder.with_suffix(".conf")
    config.write_text(
        f"use chroot = no\nuid = root\ngid = root\n[bench]\npath = {folder}\nread only = no\n"
    )
    words = ("rsync", "--daemon", "--no-detach", f"--config={config}", f"--port={_PORT}")
    daemon = Working(subprocess.Popen(host.words(*words), stdin=subprocess.DEVNULL), config)
    address = f"rsync://{SOUTH}:{_PORT}/bench/"

    def listens() -> bool:
        try:
            host.run("rsync", address)
        except RuntimeError:
            return False
        return True

    try:
        wait_until(listens)
        yield address
    finally:
        daemon.stop()
        shutil.rmtree(folder)


@contextmanager
def ground() -> Iterator[Ground]:
    # Before any connection: those that are older hear no keep-alives, and break when they rest.
    load()
    with ExitStack() as stack:
        north, south = stack.enter_context(two_hosts())
        hypervisor = stack.enter_context(Host.open(north.uri))
        pair = stack.enter_context(replicated(north, south))
        pair.work()
        yield Ground(hypervisor, north, south, pair)


def _newest(folder: Path) -> datetime:
    cycles = read_cycles(folder)
    return cycles[-1].due if cycles else datetime.min.replace(tzinfo=_CLOCK.now().tzinfo)
