"""What a site wants of its source is done there, again and again, and wherever it was killed."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import define_domain
from holdfast.recovery.fencing import is_fenced, unbar
from holdfast.recovery.record import Promoted, RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_errors import NotStartedByHand
from holdfast.recovery.source_side import source_side
from holdfast.recovery.starting_by_hand import start_by_hand
from holdfast.recovery.up_note import UpNote, keep_up_note, up_note
from holdfast.replication.link_errors import LinkLost, SiteUnreachable
from holdfast.replication.replicator_tools import Door, Tools
from holdfast.replication.replicator_wishes import ask_for_cycle, pause
from holdfast.replication.replicators import Replicators
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.shipping import ByHand
from holdfast.replication.site import Site
from holdfast.replication.site_orders import OrderKind, SiteOrder, SourceTidings
from holdfast.replication.source_folder import SourceFolder
from holdfast.replication.status import Health, ReplicationStatus, State
from holdfast.replication.status_file import read_status
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine, read_image
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
CLOCK = SystemClock()
SITE, OWN = "site-1", "host-1"
TO = SiteAddress(site="south", machine=SITE, host="south")
WITHIN = 90.0
# What nobody waits for is tried again after a minute.
SOON = 40.0
_numbers = itertools.count()


@dataclass(slots=True)
class Desk:
    """Wants what a test says, and keeps what it was told last."""

    order: SiteOrder = field(default_factory=SiteOrder)
    told: SourceTidings | None = None
    count: int = 0
    is_away: bool = False

    def __call__(self, _vm: str, told: SourceTidings, _machine: str = "") -> SiteOrder:
        if self.is_away:
            raise SiteUnreachable(site="south", place="south:9443", reason="it is away")
        self.told = told
        self.count += 1
        return self.order


@dataclass(slots=True)
class Source:
    """One machine that is replicated, its loops, and the desk of its site."""

    machine: StillMachine
    home: Path
    site: Site
    desk: Desk
    boot: str = "first"
    loops: Replicators | None = field(default=None)
    # A step of its cycles that fails, and how often it did.
    fails_at: str = ""
    failures: int = 0

    def work(self) -> None:
        host = self.machine.host
        tools = Tools(
            home=str(self.home),
            clock=CLOCK,
            machine="host-1",
            hypervisor=host.uri,
            connect=Host.open,
            door=lambda _address: Door(receiver=self.site, sender=ByHand(self.site)),
            scratch=str(host.folder / "sources"),
            slice_bytes=4 * MIB,
            reserve=0,
            on_order=source_side(
                str(self.home), CLOCK, boot=lambda: self.boot, machine=OWN, usual=0.2
            ),
            on_step=self._on_step,
        )
        self.loops = Replicators(tools)
        self.loops.start()

    def _on_step(self, _uuid: str, step: str) -> None:
        if step == self.fails_at:
            self.failures += 1
            raise LinkLost(place="south:9443", reason="it is away")

    def fail(self, step: str) -> None:
        """Comes back when it has; from then on all is well again."""
        self.fails_at, before = step, self.failures
        wait_until(lambda: self.failures > before, within=WITHIN)
        self.fails_at = ""

    def rest(self) -> None:
        if self.loops is not None:
            self.loops.stop()
            self.loops = None

    def want(self, kind: OrderKind, **more: object) -> None:
        self.desk.order = SiteOrder(kind=kind, **more)  # type: ignore[arg-type]

    def wait(self, is_so: Callable[[SourceTidings], bool]) -> SourceTidings:
        """Tidings that were told after this was asked."""
        before = self.desk.count
        found: list[SourceTidings] = []

        def holds() -> bool:
            told = self.desk.told
            if told is None or self.desk.count < before + 2 or not is_so(told):
                return False
            found.append(told)
            return True

        wait_until(holds, within=WITHIN)
        return found[-1]

    def has_caught_up(self, act: str) -> bool:
        told = self.desk.told
        return told is not None and told.act == act and told.is_done

    @property
    def record(self) -> RecoveryRecord:
        record = RecordFolder(str(self.home), self.machine.uuid).load()
        assert record is not None
        return record

    @property
    def status(self) -> ReplicationStatus | None:
        return read_status(SourceFolder(str(self.home), self.machine.uuid).path)

    def has_at_site(self, generation: str) -> bool:
        """Whether that point is what the machine's disks hold."""
        images = self.site.attach(self.machine.uuid, generation, who="tests")
        try:
            return all(
                read_image(images[disk.target]) == disk.content for disk in self.machine.plugged
            )
        finally:
            self.site.unpin(self.machine.uuid, generation, who="tests")

    @property
    def newest(self) -> str:
        facts = self.site.state(self.machine.uuid)
        return facts.points[-1].generation if facts and facts.points else ""


@pytest.fixture
def source(kvm_host: KvmHost, tmp_path: Path) -> Iterator[Source]:
    """It runs, and its site has a point of it."""
    with Host.open(kvm_host.uri) as hypervisor:
        sizes = {"vda": 8 * MIB, "sda": 2 * MIB}
        machine = StillMachine(kvm_host, hypervisor, f"handed{next(_numbers)}", sizes)
        machine.start()
        machine.write("vda", 0, bytes(range(1, 255)) * 20_000)
        desk = Desk()
        (tmp_path / "site").mkdir()
        site = Site(tmp_path / "site", CLOCK, desk=desk)
        source = Source(machine, tmp_path / "home", site, desk)
        folder = SourceFolder(str(source.home), machine.uuid)
        folder.make()
        folder.keep_settings(
            ReplicationSettings(vm=machine.uuid, name=machine.name, to=TO, every=3600)
        )
        source.work()
        wait_until(lambda: bool(source.newest), within=WITHIN)
        yield source
        source.rest()
        machine.remove()


def test_a_source_says_every_few_seconds_how_it_is(source: Source) -> None:
    told = source.wait(lambda told: told.generation == source.newest)

    assert told.is_active
    assert not told.is_fenced
    assert told.epoch == 0


def test_catching_up_brings_a_point_made_since(source: Source) -> None:
    before = source.wait(lambda told: bool(told.generation)).generation
    source.machine.write("vda", 3 * MIB, b"written before the order" * 100)
    source.machine.flush("vda")

    source.want(OrderKind.CATCH_UP, act="one")
    told = source.wait(lambda told: told.is_done and told.doing is OrderKind.CATCH_UP)

    assert told.generation != before
    assert told.is_active
    assert source.has_at_site(told.generation)


@pytest.mark.parametrize("step", ["ready", "shipping"])
def test_what_failed_is_tried_again_soon_while_somebody_waits_for_it(
    source: Source, step: str
) -> None:
    source.want(OrderKind.CATCH_UP, act="one")
    source.fail(step)

    wait_until(partial(source.has_caught_up, "one"), within=SOON)


@pytest.mark.parametrize("step", ["ready", "shipping"])
def test_what_failed_before_somebody_waited_for_it_is_tried_at_once(
    source: Source, step: str
) -> None:
    ask_for_cycle(SourceFolder(str(source.home), source.machine.uuid), CLOCK)
    source.fail(step)

    source.want(OrderKind.CATCH_UP, act="one")

    wait_until(partial(source.has_caught_up, "one"), within=SOON)


def test_a_machine_that_does_not_shut_down_runs_on(source: Source) -> None:
    source.want(OrderKind.HAND_OVER, act="one", patience=1.0)

    told = source.wait(lambda told: bool(told.error))

    assert told.error == "vm-shut-down-too-slow"
    assert told.is_active
    assert source.machine.is_on()


def test_a_machine_is_handed_over_with_all_it_has_written(source: Source) -> None:
    source.machine.write("sda", MIB, b"the last words" * 100)

    source.want(OrderKind.HAND_OVER, act="one", patience=0.5, is_forced=True)
    told = source.wait(lambda told: told.is_done and told.is_fenced)

    assert not source.machine.is_on()
    assert told.generation == source.newest
    assert source.has_at_site(told.generation)
    with pytest.raises(HoldfastError):
        source.machine.start()
    assert source.record.fence is not None
    wait_until(lambda: source.status is not None and source.status.state is State.FAILOVER_WAITING)


@pytest.mark.parametrize("act", ["one", "two"])
def test_whoever_has_not_heard_that_it_was_handed_over_may_begin_anew(
    source: Source, act: str
) -> None:
    """The site was told nothing while the hypervisor was away, or asks for another act."""
    source.want(OrderKind.HAND_OVER, act="one", patience=0.5, is_forced=True)
    handed = source.wait(lambda told: told.is_done and told.is_fenced)

    source.want(OrderKind.CATCH_UP, act=act)
    caught = source.wait(lambda told: told.doing is OrderKind.CATCH_UP and told.act == act)
    source.want(OrderKind.HAND_OVER, act=act, patience=0.5)
    again = source.wait(lambda told: told.doing is OrderKind.HAND_OVER and told.act == act)

    for told in (caught, again):
        assert (told.is_done, told.error, told.is_fenced) == (True, "", True)
        assert told.generation == handed.generation
    fence = source.record.fence
    assert fence is not None
    assert fence.act == act
    source.want(OrderKind.RELEASE, act=act, epoch=1)
    source.wait(lambda told: not told.is_fenced and bool(told.is_active))


def test_a_machine_that_sleeps_with_its_memory_saved_is_not_handed_over(source: Source) -> None:
    with source.machine.domain.handle() as handle:
        handle.managedSave(0)

    source.want(OrderKind.HAND_OVER, act="one", patience=0.5)
    told = source.wait(lambda told: bool(told.error) or told.is_fenced)

    assert told.error == "failover-source-memory-saved"
    assert source.machine.domain.has_saved_memory()
    source.want(OrderKind.HAND_OVER, act="one", patience=0.5, is_forced=True)
    source.wait(lambda told: told.is_done and told.is_fenced)


def test_a_machine_that_is_let_go_again_runs_and_is_followed_without_a_resync(
    source: Source,
) -> None:
    source.want(OrderKind.HAND_OVER, act="one", patience=0.5, is_forced=True)
    handed = source.wait(lambda told: told.is_done and told.is_fenced).generation

    source.want(OrderKind.RELEASE, act="one", epoch=2)
    told = source.wait(lambda told: not told.is_fenced and told.epoch == 2)

    assert told.is_active
    assert source.record.fence is None
    source.machine.write("vda", MIB, b"it goes on" * 100)
    source.want(OrderKind.CATCH_UP, act="two", epoch=2)
    caught = source.wait(lambda told: told.is_done and told.act == "two").generation
    assert caught != handed
    assert source.has_at_site(caught)
    status = source.status
    assert status is not None
    assert "resync" not in [each.what for each in status.happenings]


def test_a_machine_given_to_the_site_while_it_was_off_cannot_be_started(source: Source) -> None:
    source.machine.stop()

    source.want(OrderKind.FENCE, act="one", epoch=1, runs_at=SITE)
    told = source.wait(lambda told: told.is_fenced and told.epoch == 1)

    assert told.is_active is False
    with pytest.raises(HoldfastError):
        source.machine.start()
    wait_until(lambda: source.status is not None and source.status.state is State.FAILED_OVER)


def test_what_came_home_and_is_shipped_already_needs_no_resync(source: Source) -> None:
    """Whoever brought it has shipped all of it before this was asked what it ships."""
    source.machine.stop()
    source.want(OrderKind.FENCE, act="one", epoch=1, runs_at=SITE)
    wait_until(lambda: source.status is not None and source.status.state is State.FAILED_OVER)
    source.rest()
    unbar(source.machine.domain, source.record.fence)
    RecordFolder(str(source.home), source.machine.uuid).change(
        lambda record: msgspec.structs.replace(record, runs_at=OWN, fence=None)
    )
    source.machine.start()
    source.want(OrderKind.NOTHING, epoch=1)

    source.work()

    source.wait(lambda told: told.facts["state"] == State.REPLICATING)


def test_a_definition_that_somebody_puts_back_is_barred_again(source: Source) -> None:
    plain = source.machine.domain.xml(inactive=True, secure=True)
    source.machine.stop()
    source.want(OrderKind.FENCE, act="one", epoch=1, runs_at=SITE)
    source.wait(lambda told: told.is_fenced and told.epoch == 1)

    define_domain(source.machine.hypervisor, plain)

    wait_until(lambda: is_fenced(source.machine.domain), within=WITHIN)
    with pytest.raises(HoldfastError):
        source.machine.start()
    assert [event.what for event in source.record.events] == ["given-away", "fenced"]


def test_a_machine_that_runs_at_both_hosts_is_not_ended_and_is_told_of(source: Source) -> None:
    source.want(OrderKind.FENCE, act="one", epoch=1, runs_at=SITE)
    told = source.wait(lambda told: told.error == "split-brain")

    assert told.is_active
    assert not told.is_fenced
    assert source.machine.is_on()
    assert [event.what for event in source.record.events] == ["given-away", "split-brain"]
    wait_until(lambda: _is_critical_for(source.status, "split-brain"), within=WITHIN)
    source.machine.stop()
    source.wait(lambda told: told.is_fenced and told.is_active is False)
    wait_until(lambda: not _is_critical_for(source.status, "split-brain"), within=WITHIN)


def test_a_site_that_took_it_by_an_epoch_of_before_is_told_of_and_not_obeyed(
    source: Source,
) -> None:
    source.want(OrderKind.RELEASE, act="one", epoch=2)
    source.wait(lambda told: told.epoch == 2)

    source.want(OrderKind.FENCE, act="two", epoch=1, runs_at=SITE)
    told = source.wait(lambda told: told.error == "split-brain")

    assert told.epoch == 2
    assert source.machine.is_on()
    wait_until(lambda: _is_critical_for(source.status, "split-brain"), within=WITHIN)


def test_what_is_paused_is_not_handed_over_and_says_so(source: Source) -> None:
    pause(SourceFolder(str(source.home), source.machine.uuid), CLOCK, who="ops")
    wait_until(lambda: source.status is not None and source.status.state is State.PAUSED)

    source.want(OrderKind.HAND_OVER, act="one", patience=0.5, is_forced=True)
    told = source.wait(lambda told: bool(told.error))

    assert told.error == "failover-source-not-ready"
    assert source.machine.is_on()


def test_an_order_of_an_older_epoch_is_not_obeyed(source: Source) -> None:
    source.want(OrderKind.RELEASE, epoch=5)
    source.wait(lambda told: told.epoch == 5)

    source.want(OrderKind.FENCE, act="old", epoch=4, runs_at=SITE)
    told = source.wait(lambda told: told.epoch == 5)

    assert not told.is_fenced
    assert told.is_active
    assert source.record.runs_at == ""


def test_what_was_given_away_stays_so_for_the_next_process(source: Source) -> None:
    source.machine.stop()
    source.want(OrderKind.FENCE, act="one", epoch=1, runs_at=SITE)
    source.wait(lambda told: told.is_fenced)
    source.rest()
    source.desk.is_away = True

    source.work()

    assert source.loops is not None
    loop = source.loops.loop(source.machine.uuid)
    assert loop is not None
    assert loop._obeying.is_halted


def _is_critical_for(status: ReplicationStatus | None, code: str) -> bool:
    return status is not None and any(
        reason.code == code and reason.health is Health.CRITICAL for reason in status.reasons
    )


# A machine that is to start with its host.


def starts_with_host(source: Source) -> bool | None:
    record = RecordFolder(str(source.home), source.machine.uuid).load()
    return record.starts_with_host if record else None


def happened(source: Source) -> list[str]:
    return [event.what for event in source.record.events]


def restart_host(source: Source, boot: str) -> None:
    """As far as the machine and the loops see of it."""
    source.rest()
    source.machine.stop()
    source.boot = boot


@pytest.fixture
def starting(source: Source) -> Source:
    """Libvirt was to start it, and is not any more."""
    source.rest()
    source.machine.domain.let_start_by_itself()
    source.work()
    wait_until(lambda: starts_with_host(source), within=WITHIN)
    return source


def test_what_is_followed_is_not_started_by_libvirt_any_more(starting: Source) -> None:
    assert not starting.machine.domain.starts_by_itself()
    assert starting.machine.is_on()


def test_after_its_host_it_starts_when_the_site_has_not_taken_it(starting: Source) -> None:
    restart_host(starting, "second")

    starting.work()

    wait_until(starting.machine.is_on, within=WITHIN)
    wait_until(lambda: "started" in happened(starting), within=WITHIN)


def test_after_its_host_it_is_not_started_while_the_site_is_silent(starting: Source) -> None:
    restart_host(starting, "second")
    starting.desk.is_away = True

    starting.work()

    wait_until(lambda: _is_critical_for(starting.status, "waits-for-site"), within=WITHIN)
    assert not starting.machine.is_on()
    starting.desk.is_away = False
    wait_until(starting.machine.is_on, within=WITHIN)
    wait_until(lambda: not _is_critical_for(starting.status, "waits-for-site"), within=WITHIN)


def test_after_its_host_it_is_barred_when_the_site_has_taken_it(starting: Source) -> None:
    restart_host(starting, "second")
    starting.want(OrderKind.FENCE, act="one", epoch=1, runs_at=SITE)

    starting.work()

    told = starting.wait(lambda told: told.is_fenced and told.epoch == 1)
    assert told.is_active is False
    assert not starting.machine.is_on()


def test_what_somebody_shut_down_stays_off_when_the_process_is_started_anew(
    starting: Source,
) -> None:
    starting.rest()
    starting.machine.stop()

    starting.work()

    starting.wait(lambda told: told.is_active is False)
    assert not starting.machine.is_on()


def test_one_that_came_here_and_ran_starts_again_once_its_home_has_not_taken_it_back(
    source: Source,
) -> None:
    source.rest()
    now, folder = CLOCK.now(), came_by_failover(source)
    keep_up_note(folder.path, UpNote(boot="first", looked_at=now, ran_at=now))
    restart_host(source, "second")

    source.work()

    wait_until(source.machine.is_on, within=WITHIN)
    wait_until(lambda: _boot_of_note(folder) == "second", within=WITHIN)


@pytest.mark.parametrize(("came_here", "runs_at"), [(True, OWN), (False, "")])
def test_a_machine_that_is_released_is_this_hosts_as_it_was_before(
    source: Source, *, came_here: bool, runs_at: str
) -> None:
    source.rest()
    if came_here:
        came_by_failover(source)
    source.work()
    source.want(OrderKind.FENCE, act="one", epoch=1, runs_at=SITE)
    source.machine.stop()
    source.wait(lambda told: told.is_fenced)

    source.want(OrderKind.RELEASE, act="two", epoch=2)

    source.wait(lambda told: not told.is_fenced and told.epoch == 2)
    assert source.record.runs_at == runs_at


def came_by_failover(source: Source) -> RecordFolder:
    folder = RecordFolder(str(source.home), source.machine.uuid)
    came = Promoted(
        generation="g",
        taken_at=CLOCK.now(),
        name="n",
        uuid=source.machine.uuid,
        folder="f",
        disks=(),
    )
    folder.change(
        lambda record: msgspec.structs.replace(record, promoted=came, runs_at=OWN),
        first=RecoveryRecord(vm=source.machine.uuid, name=source.machine.name),
    )
    return folder


def _boot_of_note(folder: RecordFolder) -> str:
    note = up_note(folder.path)
    return note.boot if note else ""


def by_hand(source: Source, *, is_forced: bool) -> bool:
    return start_by_hand(
        RecordFolder(str(source.home), source.machine.uuid),
        source.machine.domain,
        CLOCK,
        home=str(source.home),
        site_machine=SITE,
        boot=source.boot,
        who="ops",
        is_forced=is_forced,
    )


def test_a_person_starts_what_waits_for_a_site_only_by_force(starting: Source) -> None:
    restart_host(starting, "second")

    with pytest.raises(NotStartedByHand):
        by_hand(starting, is_forced=False)
    assert by_hand(starting, is_forced=True)

    assert starting.machine.is_on()


def test_what_a_person_takes_out_of_a_hand_over_is_not_shut_down_again(source: Source) -> None:
    source.want(OrderKind.HAND_OVER, act="one", patience=0.5, is_forced=True)
    source.wait(lambda told: told.is_done and told.is_fenced)

    assert by_hand(source, is_forced=True)
    told = source.wait(lambda told: bool(told.error))

    assert told.error == "failover-source-started-by-hand"
    assert told.is_active
    assert not told.is_fenced


def test_started_by_force_what_the_site_runs_is_a_split_brain(source: Source) -> None:
    source.machine.stop()
    source.want(OrderKind.FENCE, act="one", epoch=1, runs_at=SITE)
    source.wait(lambda told: told.is_fenced)

    assert by_hand(source, is_forced=True)
    told = source.wait(lambda told: told.error == "split-brain")

    assert told.is_active
    assert source.machine.is_on()
