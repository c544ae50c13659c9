"""A machine, the process that follows it, and its site: each of the processes can be killed at a step.

The site lies in folders, as every process sees it. Processes are forks of one that has everything
imported and has not spoken to libvirt yet.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import msgspec

from holdfast.base.clock import SystemClock
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.acts import Step, perform
from holdfast.recovery.beginning import Asked, begin, finish
from holdfast.recovery.desk import desk_of, put_order, tidings_of
from holdfast.recovery.planned import planned_steps
from holdfast.recovery.policy import Place as Whereabouts
from holdfast.recovery.policy import Standing
from holdfast.recovery.promoting import Place
from holdfast.recovery.record import Act, ActKind, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_asking import Patience, SourceAsking
from holdfast.recovery.source_side import source_side
from holdfast.recovery.starting import Starting
from holdfast.recovery.undoing import Undoing
from holdfast.replication.replicator_tools import Door, Tools
from holdfast.replication.replicators import Replicators
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.shipping import ByHand
from holdfast.replication.site import Site
from holdfast.replication.site_orders import OrderKind, SiteOrder, SourceTidings
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.still_machine import StillMachine, read_image
from holdfast.testing.waiting import wait_until

CLOCK = SystemClock()
SITE, SOURCE = "site-1", "host-1"
TO = SiteAddress(site="south", machine=SITE, host="south")
WITHIN = 120.0
_PATIENCE = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """All that a process needs to know."""

    source_uri: str
    site_uri: str
    scratch: Path
    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def site_home(self) -> Path:
        return self.root / "site-home"

    @property
    def replicas(self) -> Path:
        return self.root / "replicas"

    @property
    def stop(self) -> Path:
        return self.root / "stop"

    def site(self) -> Site:
        return Site(self.replicas, CLOCK, desk=desk_of(str(self.site_home), SITE, CLOCK))


def forked(target: Callable[..., None], *told: object) -> ForkServerProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__])
    process = context.Process(target=target, args=told, daemon=True)
    process.start()
    return process


def was_killed(process: ForkServerProcess) -> bool:
    """At its end; false if it came to it by itself."""
    process.join(_PATIENCE)
    status = process.exitcode
    assert status in (0, -signal.SIGKILL), f"it ended with {status}"
    process.close()
    return status != 0


def _killer(step: str) -> Callable[[str, str], None]:
    def on_step(_uuid: str, now: str) -> None:
        if now == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def follow(places: Places, step: str) -> None:
    """`replication run`, until it is told to stop or comes to the step."""
    site = places.site()
    tools = Tools(
        home=str(places.home),
        clock=CLOCK,
        machine=SOURCE,
        hypervisor=places.source_uri,
        connect=Host.open,
        door=lambda _address: Door(receiver=site, sender=ByHand(site)),
        scratch=str(places.scratch),
        slice_bytes=4 * MIB,
        reserve=0,
        on_order=source_side(str(places.home), CLOCK, boot=lambda: "first", usual=0.2),
        on_step=_killer(step),
    )
    Replicators(tools).run(places.stop.exists)


def fail_over(places: Places, uuid: str, name: str, step: str) -> None:
    """`failover --planned`, to its end or until the step has done what it does."""
    folder = RecordFolder(str(places.site_home), uuid)
    with Host.open(places.site_uri) as host:
        known = folder.load()
        standing = Standing(
            about=name,
            place=Whereabouts.PROMOTED if known and known.promoted else Whereabouts.SITE,
            stage=known.stage if known else Stage.PROTECTED,
            epoch=known.epoch if known else 0,
            under_way=known.act if known else None,
            has_replica=True,
        )
        act = begin(folder, Asked(kind=ActKind.PLANNED, who="tests"), standing, CLOCK)
        starting = Starting(
            place=Place(host=host, site=places.site(), clock=CLOCK),
            home=str(places.site_home),
            folder=folder,
            act=act,
            name=name,
            machine_id=SITE,
        )
        asking = SourceAsking(
            home=str(places.site_home),
            folder=folder,
            act=act.id,
            name=name,
            clock=CLOCK,
            patience=Patience(seconds=0.5, is_forced=True),
        )
        steps = [_deadly(each, step) for each in planned_steps(starting, asking)]
        perform(act, steps, clock=CLOCK, keep=folder.keep_notes)
        finish(folder, act, CLOCK)


def _deadly(step: Step, name: str) -> Step:
    def do() -> str:
        said = step.do()
        if step.name == name:
            os.kill(os.getpid(), signal.SIGKILL)
        return said

    return replace(step, do=do)


@dataclass(slots=True)
class Handing:
    machine: StillMachine
    places: Places

    def __post_init__(self) -> None:
        folder = SourceFolder(str(self.places.home), self.uuid)
        folder.make()
        folder.keep_settings(
            ReplicationSettings(vm=self.uuid, name=self.machine.name, to=TO, every=3600)
        )
        self.places.replicas.mkdir(parents=True)
        self.places.site_home.mkdir()

    @property
    def uuid(self) -> str:
        return self.machine.uuid

    @property
    def record(self) -> RecoveryRecord:
        """Of the source."""
        found = RecordFolder(str(self.places.home), self.uuid).load()
        return found or RecoveryRecord(vm=self.uuid, name=self.machine.name)

    @property
    def at_site(self) -> RecordFolder:
        return RecordFolder(str(self.places.site_home), self.uuid)

    @property
    def newest(self) -> str:
        facts = self.places.site().state(self.uuid)
        return facts.points[-1].generation if facts and facts.points else ""

    @contextmanager
    def followed(self) -> Iterator[None]:
        """By a process that nobody kills."""
        self.places.stop.unlink(missing_ok=True)
        process = forked(follow, self.places, "")
        try:
            yield
        finally:
            self.places.stop.touch()
            assert not was_killed(process)

    def dies_at(self, step: str) -> bool:
        """The process that follows it, sooner or later."""
        self.places.stop.unlink(missing_ok=True)
        return was_killed(forked(follow, self.places, step))

    def order(self, kind: OrderKind, act: str) -> None:
        """As an act of the site would; it is there before anybody asks."""
        done = Act(id=act, kind=ActKind.PLANNED, who="tests", begun_at=CLOCK.now())
        self.at_site.change(
            lambda record: msgspec.structs.replace(record, act=done, stage=Stage.FAILING_OVER),
            first=RecoveryRecord(vm=self.uuid, name=self.machine.name),
        )
        put_order(self.at_site, SiteOrder(kind=kind, act=act, patience=0.5, is_forced=True))

    def take(self) -> None:
        """By a greater epoch it is the site's."""
        self._give(SITE, Stage.FAILED_OVER)

    def give_back(self) -> None:
        self._give(SOURCE, Stage.UNDOING)

    def _give(self, runs_at: str, stage: Stage) -> None:
        self.at_site.change(
            lambda record: msgspec.structs.replace(
                record, epoch=record.epoch + 1, runs_at=runs_at, stage=stage, act=None
            ),
            first=RecoveryRecord(vm=self.uuid, name=self.machine.name),
        )

    def undo(self) -> None:
        """As the command does; the source hears of it when it is there."""
        known = self.at_site.load()
        assert known is not None
        act = Act(
            id=f"undo-{known.epoch}",
            kind=ActKind.UNDO,
            who="tests",
            begun_at=CLOCK.now(),
            replaces=known.act.kind if known.act else None,
        )
        self.at_site.change(lambda record: msgspec.structs.replace(record, act=act))
        with Host.open(self.places.site_uri) as host:
            place = Place(host=host, site=self.places.site(), clock=CLOCK)
            undoing = Undoing(
                place=place, folder=self.at_site, act=act, machine_id=SITE, source=SOURCE
            )
            perform(act, undoing.steps(), clock=CLOCK, keep=self.at_site.keep_notes)
            finish(self.at_site, act, CLOCK, stage=undoing.stage_after())

    def wait(self, is_so: Callable[[SourceTidings], bool]) -> SourceTidings:
        """Until the source says something of the kind from now on."""
        since = CLOCK.now()
        found: list[SourceTidings] = []

        def holds() -> bool:
            heard = tidings_of(str(self.places.site_home), self.uuid)
            if heard is None or heard.at < since or not is_so(heard.tidings):
                return False
            found.append(heard.tidings)
            return True

        wait_until(holds, within=WITHIN)
        return found[-1]

    def has_at_site(self, generation: str) -> bool:
        """Whether that point is what the disks of the machine hold."""
        site = self.places.site()
        images = site.attach(self.uuid, generation, who="tests")
        try:
            return all(
                read_image(images[each.target]) == each.content for each in self.machine.plugged
            )
        finally:
            site.unpin(self.uuid, generation, who="tests")
