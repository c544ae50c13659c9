"""A machine that was failed over starts again with its new host, unless something speaks against it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.base.errors import HoldfastError
from holdfast.recovery.desk import desk_of
from holdfast.recovery.keeping_up import KeepingUp
from holdfast.recovery.promoting import Place, domain_of, end, plan_promotion, promote
from holdfast.recovery.record import Act, ActKind, Promoted, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.standing_alone import Alone
from holdfast.recovery.up_note import UpNote, keep_up_note, up_note
from holdfast.replication.replica_folder import open_folder
from holdfast.replication.site_orders import SourceTidings
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.promotion_bench import CLOCK, FIRST, Replicated, replicated

pytestmark = machines_bench.MARKS
__all__ = ["replicated"]
HERE, ITS_OWN = "south-1", "north-1"
WITHIN = 180.0


@dataclass(slots=True, kw_only=True)
class Site:
    """It runs here since a failover; the host can be started anew."""

    place: Place
    machine: StillMachine
    promoted: Promoted
    home: Path
    boot: str = "first"
    told: list[HoldfastError] = field(default_factory=list)

    @property
    def folder(self) -> RecordFolder:
        return RecordFolder(str(self.home), self.machine.uuid)

    def is_on(self) -> bool:
        domain = domain_of(self.place, self.promoted)
        return domain is not None and domain.is_active()

    def look(self, *, listen_first: timedelta = timedelta(0)) -> None:
        """As `replication serve` does every few seconds."""
        keeping = KeepingUp(
            home=str(self.home),
            machine_id=HERE,
            boot=self.boot,
            warn=lambda _vm, err: self.told.append(err),
            listen_first=listen_first,
        )
        for folder in keeping.wanted():
            keeping.look_after(folder, self.place)

    def lose_power(self) -> None:
        """And have it again."""
        if self.is_on():
            self.machine.host.kill_guest(self.machine.name)
            wait_until(lambda: not self.is_on(), within=WITHIN)
        self.boot = "second"
        desk_of(str(self.home), HERE, CLOCK)

    def change(self, **fields: Any) -> None:
        self.folder.change(lambda record: msgspec.structs.replace(record, **fields))


@pytest.fixture
def site(replicated: Replicated, tmp_path: Path) -> Iterator[Site]:
    place = replicated.place()
    promoted = promote(place, plan_promotion(place, replicated.machine.uuid, replicated.wish()))
    made = Site(place=place, machine=replicated.there(), promoted=promoted, home=tmp_path)
    record = RecoveryRecord(
        vm=replicated.machine.uuid,
        name=replicated.machine.name,
        epoch=1,
        runs_at=HERE,
        stage=Stage.FAILED_OVER,
        promoted=promoted,
    )
    made.folder.save(record)
    made.look()
    yield made
    end(place, replicated.machine.uuid, promoted)


def test_it_starts_again_after_a_power_cut_of_its_host(site: Site) -> None:
    site.lose_power()

    site.look()

    assert site.is_on()
    assert site.told == []
    record = site.folder.load()
    assert record is not None
    assert (record.events[-1].what, record.events[-1].why) == ("started", "host-started")


def test_what_was_pulled_and_not_written_out_is_there_when_it_starts_again(
    site: Site, replicated: Replicated, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = open_folder(site.place.site.folder, site.machine.uuid).layers
    domain = domain_of(site.place, site.promoted)
    assert domain is not None
    site.machine.flush(FIRST)

    def dies(_self: Alone, _top: Path) -> None:
        site.machine.host.kill_guest(site.machine.name)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Alone, "_write_out", dies)
        with pytest.raises(KeyboardInterrupt):
            list(Alone(domain=domain, clock=CLOCK, layers=layers).stand())
    wait_until(lambda: not site.is_on(), within=WITHIN)
    site.change(act=Act(id="a", kind=ActKind.COMMIT, who="ann", begun_at=CLOCK.now()))
    site.lose_power()
    site.look()
    assert site.is_on()
    list(Alone(domain=domain, clock=CLOCK, layers=layers).stand())

    site.machine.stop()
    for target, content in replicated.points[replicated.newest].items():
        assert site.machine.read(target) == bytes(content)


def test_it_is_left_off_where_somebody_has_shut_it_down(site: Site) -> None:
    site.machine.stop()

    site.look()

    assert not site.is_on()


def test_one_that_was_off_long_before_its_host_went_down_is_left_off(site: Site) -> None:
    now = CLOCK.now()
    long_ago = UpNote(boot="first", looked_at=now, ran_at=now - timedelta(hours=1))
    keep_up_note(site.folder.path, long_ago)
    site.lose_power()

    site.look()

    assert not site.is_on()
    assert site.told == []


def test_its_own_host_is_listened_to_before(site: Site) -> None:
    site.lose_power()

    site.look(listen_first=timedelta(hours=1))

    assert not site.is_on()
    assert site.told == []


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (SourceTidings(epoch=2, is_active=False), "epoch 2"),
        (SourceTidings(epoch=0, is_active=True), "runs at its own host"),
    ],
)
def test_what_its_own_host_says_against_it_is_told_with_the_way_out(
    site: Site, told: SourceTidings, reason: str
) -> None:
    site.lose_power()
    hear = desk_of(str(site.home), HERE, CLOCK)
    hear(site.machine.uuid, told)

    site.look()

    assert not site.is_on()
    (error,) = site.told
    assert (error.code, reason in str(error)) == ("recovery-not-started-with-host", True)
    assert "failover start" in error.advice
    note = up_note(site.folder.path)
    assert note is not None
    assert reason in note.why


def test_one_that_is_protected_in_reverse_is_started_by_whoever_asks_its_home(site: Site) -> None:
    site.change(stage=Stage.PROTECTED_IN_REVERSE)
    site.lose_power()

    site.look()

    assert not site.is_on()
    assert [error.code for error in site.told] == ["recovery-not-started-with-host"]
    note = up_note(site.folder.path)
    assert note is not None
    assert note.is_to_start("second")


@pytest.mark.parametrize(
    "fields",
    [
        {"runs_at": ITS_OWN},
        {"stage": Stage.UNDOING},
        {"act": Act(id="a", kind=ActKind.UNDO, who="ann", begun_at=CLOCK.now())},
    ],
)
def test_what_is_given_back_or_being_undone_is_left_alone(
    site: Site, fields: dict[str, Any]
) -> None:
    site.change(**fields)
    site.lose_power()

    site.look()

    assert not site.is_on()
    assert up_note(site.folder.path) is None
