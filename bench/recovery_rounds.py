"""A machine that goes to the other site and comes back, by the commands a person types."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from bench.live_move import migrate_with_storage, move_live
from bench.questions import US, Sample
from bench.recovery_plan import plain_seconds, plan_seconds
from bench.recovery_report import BY_LIBVIRT, FLOOR, MIGRATE
from holdfast.base.clock import SystemClock
from holdfast.hypervisor.binding import load
from holdfast.replication.replicator_wishes import ask_for_cycle
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import two_hosts
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until

_CLOCK = SystemClock()
_MIB = 1 << 20
_VM = "moved"
_PATIENCE = 300.0
_WRITTEN = 16
_RECIPE = Recipe(disk_size=160 * _MIB)
# Behind the file system, which has its own ideas of when to write.
_WRITE = "dd if=/dev/urandom of=/dev/vda bs=1M seek={at} count={count} conv=notrunc,fsync"
_FREE_FROM = 64


@dataclass(slots=True)
class RecoveryRounds:
    say: Callable[[str], None]
    samples: list[Sample]

    def run(self, rounds: int) -> None:
        # Before any connection: those that are older hear no keep-alives, and break when they rest.
        load()
        for turn in range(rounds):
            with self._ground() as (sites, guest):
                self._round(sites, guest, turn)
            self._live(turn)
            self._note("plan", turn, plan_seconds())
            self._note("plan", turn, plain_seconds(), BY_LIBVIRT)

    @contextmanager
    def _ground(self) -> Iterator[tuple[TwoSites, Guest]]:
        """New hosts for each round: it ends elsewhere than it began."""
        with ExitStack() as stack:
            north, south = stack.enter_context(two_hosts())
            sites = stack.enter_context(two_sites(north, south))
            sites.work()
            guest = Guest(north, _VM, _RECIPE)
            guest.start()
            words = ("--to", "south", "--every", "15m", "--app-every", "never")
            sites.north.run("replication", "enable", _VM, *words)
            yield sites, guest

    def _round(self, sites: TwoSites, guest: Guest, turn: int) -> None:
        north, south = sites.north, sites.south
        self._floor(south, turn)
        self._acted(south, "test", turn, "failover", _VM, "--test")
        self._unplanned(sites, guest, turn)
        self._acted(south, "planned", turn, "failover", _VM, "--planned")
        south.run("commit", _VM)
        self._reprotect(sites, guest, turn)
        self._acted(north, "failback", turn, "failback", _VM)

    def _live(self, turn: int) -> None:
        """Ours and libvirt's own, each from where the other began."""
        with self._ground() as (sites, guest):
            ours = move_live(sites, guest)
        with two_hosts() as (north, south):
            guest = Guest(north, _VM, _RECIPE)
            guest.start()
            theirs = migrate_with_storage(north, south, guest)
        for contender, move in ((US, ours), (MIGRATE, theirs)):
            self._note("live", turn, move.seconds, contender)
            self._note("live downtime", turn, move.stood_seconds, contender)
            self._note("live bytes", turn, move.carried_bytes / 1e6, contender)

    def _floor(self, station: Station, turn: int) -> None:
        copy = Guest(station.host, f"copy{turn}", _RECIPE)
        try:
            start = perf_counter()
            copy.start()
            self._note("test", turn, perf_counter() - start, FLOOR)
        finally:
            copy.remove()
        # The same boot is the floor of them all.
        for work in ("unplanned", "planned", "failback"):
            self._note(work, turn, self.samples[-1].value, FLOOR)

    def _unplanned(self, sites: TwoSites, guest: Guest, turn: int) -> None:
        """Its host is silent, and comes back; then it is given back, as it was there."""
        sites.north.kill()
        sites.north.host.kill_guest(_VM)
        words = ("failover", _VM, "--unplanned", "--source-is-down")
        self._acted(sites.south, "unplanned", turn, *words)
        sites.south.run("failover", "undo", _VM, "--discard-changes")
        sites.north.work()
        self._wait_for_stage(sites.south, "protected")
        self._start_again(sites, guest)

    def _start_again(self, sites: TwoSites, guest: Guest) -> None:
        """After the power cut all of it is compared, which is over with the next point."""
        returned = _CLOCK.now()
        with sites.north.host.connected() as connection:
            domain = connection.lookupByName(_VM)
            if not domain.isActive():
                domain.create()
        self._wait_for_point(sites.north, guest, after=returned)

    def _reprotect(self, sites: TwoSites, guest: Guest, turn: int) -> None:
        south = sites.south
        guest.at(south.host).run(_WRITE.format(at=_FREE_FROM, count=_WRITTEN))
        start = perf_counter()
        said = south.run("reprotect", _VM, "--json")
        self._note("reprotect time", turn, perf_counter() - start)
        figures = self._figures(said.out)
        self._note("reprotect", turn, figures["copied_bytes"] / figures["suspect_bytes"])

    def _acted(self, station: Station, work: str, turn: int, *words: str) -> None:
        """From the command to its agent's answer; the rest of the command is not waited for."""
        begun = _CLOCK.now()
        said = station.run(*words, "--json")
        self._note(work, turn, (_up_at(said.out) - begun).total_seconds())

    def _wait_for_stage(self, station: Station, stage: str) -> None:
        def is_there() -> bool:
            said = station.run("failover", "status", _VM, "--json", status=None)
            return any(event.get("stage") == stage for event in said.events)

        wait_until(is_there, within=_PATIENCE)

    def _wait_for_point(self, station: Station, guest: Guest, *, after: datetime) -> None:
        """By its schedule it has no cycle while it is measured."""
        folder = SourceFolder(str(station.home), guest.uuid)

        def has_one() -> bool:
            ask_for_cycle(folder, _CLOCK)
            said = station.run("replication", "status", _VM, "--json", status=None)
            latest = [event.get("latest_at") for event in said.events]
            return any(each and datetime.fromisoformat(each) > after for each in latest)

        wait_until(has_one, within=_PATIENCE)

    def _figures(self, out: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for line in out.splitlines():
            found |= json.loads(line).get("figures") or {}
        return found

    def _note(self, work: str, turn: int, value: float, contender: str = US) -> None:
        self.say(f"round {turn + 1}: {work}, {contender}: {value:.2f}")
        self.samples.append(Sample(work=work, contender=contender, round=turn, value=value))


def _up_at(out: str) -> datetime:
    """When the step ended that waits for its guest agent."""
    for line in out.splitlines():
        event = json.loads(line)
        # A test has passed its checks then, of which the agent's answer is the only one.
        is_up = event.get("step") == "agent" or event["event"] == "test-failover"
        if is_up and event.get("ended_at"):
            return datetime.fromisoformat(event["ended_at"])
    raise AssertionError(f"no agent has answered: {out[-1000:]}")
