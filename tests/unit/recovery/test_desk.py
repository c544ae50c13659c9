"""What a source is told: the record first, then orders; and what is kept of what it says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from holdfast.recovery.desk import (
    Sources,
    answer,
    desk_of,
    listening_since,
    order_of,
    put_order,
    tidings_of,
)
from holdfast.recovery.record import Act, ActKind, Fence, Promoted, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site_orders import Desk, OrderKind, SiteOrder, SourceTidings
from holdfast.testing.clock import FakeClock

HERE, SOURCE = "site-id", "source-id"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROMOTED = Promoted(
    generation="g", taken_at=NOON, name="web", uuid="vm", folder="/running/a", disks=()
)
ACT = Act(id="one", kind=ActKind.PLANNED, who="ada", begun_at=NOON)


def record(**fields: object) -> RecoveryRecord:
    return msgspec.structs.replace(RecoveryRecord(vm="vm", name="web"), **fields)


def told(
    known: RecoveryRecord, tidings: SourceTidings, order: SiteOrder | None = None
) -> SiteOrder:
    return answer(known, tidings, order, machine_id=HERE)


def test_a_machine_that_is_nobodys_concern_is_told_nothing() -> None:
    assert told(record(), SourceTidings()).kind is OrderKind.NOTHING


def test_a_source_that_lives_by_an_older_epoch_is_told_to_bar_it() -> None:
    order = told(record(epoch=1, runs_at=HERE), SourceTidings(epoch=0))

    assert (order.kind, order.epoch, order.runs_at) == (OrderKind.FENCE, 1, HERE)


def test_a_source_that_barred_it_before_the_epoch_hears_of_the_epoch() -> None:
    order = told(record(epoch=1, runs_at=HERE), SourceTidings(epoch=0, is_fenced=True))

    assert order.kind is OrderKind.FENCE


def test_a_source_that_has_heard_is_left_in_peace() -> None:
    order = told(record(epoch=1, runs_at=HERE), SourceTidings(epoch=1, is_fenced=True))

    assert order == SiteOrder(epoch=1, runs_at=HERE)


def test_a_machine_that_was_given_back_is_released_until_its_source_says_so() -> None:
    known = record(epoch=2, runs_at=SOURCE, stage=Stage.UNDOING)

    assert told(known, SourceTidings(epoch=1, is_fenced=True)).kind is OrderKind.RELEASE
    assert told(known, SourceTidings(epoch=2, is_fenced=True)).kind is OrderKind.RELEASE
    assert told(known, SourceTidings(epoch=2)).kind is OrderKind.NOTHING


def test_a_source_that_has_forgotten_is_told_that_it_is_its_own() -> None:
    known = record(epoch=2, runs_at=SOURCE)

    assert told(known, SourceTidings(epoch=0)).kind is OrderKind.RELEASE


def test_an_order_is_given_while_its_act_is_under_way() -> None:
    order = SiteOrder(kind=OrderKind.CATCH_UP, act=ACT.id)

    assert told(record(act=ACT), SourceTidings(), order).kind is OrderKind.CATCH_UP
    assert told(record(), SourceTidings(), order).kind is OrderKind.NOTHING


def test_that_an_act_has_begun_is_told_before_its_first_order() -> None:
    order = told(record(act=ACT), SourceTidings())

    assert (order.kind, order.act) == (OrderKind.NOTHING, ACT.id)


def test_what_a_source_says_is_kept_with_its_time(tmp_path: Path) -> None:
    clock = FakeClock()
    desk = desk_of(str(tmp_path), HERE, clock)

    desk("vm", SourceTidings(epoch=3, is_active=True))

    heard = tidings_of(str(tmp_path), "vm")
    assert heard is not None
    assert heard.tidings.epoch == 3
    assert heard.age(clock.now()) == timedelta(0)


def test_it_is_known_since_when_somebody_listens(tmp_path: Path) -> None:
    clock = FakeClock()

    desk_of(str(tmp_path), HERE, clock)

    assert listening_since(str(tmp_path)) == clock.now()


def test_an_order_is_read_as_it_was_put(tmp_path: Path) -> None:
    folder = RecordFolder(str(tmp_path), "vm")
    folder.save(record())
    order = SiteOrder(kind=OrderKind.HAND_OVER, act="one", patience=5.0)

    put_order(folder, order)

    assert order_of(folder) == order


def test_a_machine_that_runs_at_both_hosts_is_one_event_for_each_epoch(tmp_path: Path) -> None:
    folder, desk = _opened(tmp_path, record(epoch=1, runs_at=HERE, promoted=PROMOTED))

    for _time in range(3):
        desk("vm", SourceTidings(is_active=True))

    known = folder.load()
    assert known is not None
    assert [event.what for event in known.events] == ["split-brain"]


def test_a_machine_that_moves_while_it_runs_is_no_split_brain(tmp_path: Path) -> None:
    live = Act(id="one", kind=ActKind.PLANNED_LIVE, who="ada", begun_at=NOON)
    folder, desk = _opened(tmp_path, record(epoch=1, runs_at=HERE, promoted=PROMOTED, act=live))

    desk("vm", SourceTidings(is_active=True))

    known = folder.load()
    assert known is not None
    assert known.events == ()


def test_an_undo_has_ended_when_its_source_has_heard(tmp_path: Path) -> None:
    folder, desk = _opened(tmp_path, record(epoch=2, runs_at=SOURCE, stage=Stage.UNDOING))

    desk("vm", SourceTidings(epoch=1, is_fenced=True))
    before = folder.load()
    desk("vm", SourceTidings(epoch=2))
    after = folder.load()

    assert before is not None
    assert after is not None
    assert (before.stage, after.stage) == (Stage.UNDOING, Stage.PROTECTED)


def test_an_undone_failback_rests_where_it_was(tmp_path: Path) -> None:
    rests = Stage.PROTECTED_IN_REVERSE
    known = record(epoch=3, runs_at=SOURCE, stage=Stage.UNDOING, rests=rests)
    folder, desk = _opened(tmp_path, known)

    desk("vm", SourceTidings(epoch=3))

    after = folder.load()
    assert after is not None
    assert after.stage is Stage.PROTECTED_IN_REVERSE


@dataclass(frozen=True)
class Known:
    """The replica is from there; by its certificate each host has another id than as a site."""

    source: str = ""
    sites: dict[str, str] = field(default_factory=dict)

    def source_of(self, vm: str) -> str:  # noqa: ARG002  of any machine
        return self.source

    def site_at(self, machine: str) -> str:
        return self.sites.get(machine, "")


def _opened(
    tmp_path: Path, known: RecoveryRecord, sources: Sources | None = None
) -> tuple[RecordFolder, Desk]:
    folder = RecordFolder(str(tmp_path), "vm")
    folder.save(known)
    return folder, desk_of(str(tmp_path), HERE, FakeClock(), sources)


GIVEN_ON = {
    "epoch": 2,
    "runs_at": "third-id",
    "promoted": PROMOTED,
    "fence": Fence(act="one", epoch=2, since=NOON),
}


def test_a_machine_that_went_on_to_a_third_host_is_not_given_back_to_its_source(
    tmp_path: Path,
) -> None:
    folder, desk = _opened(tmp_path, record(**GIVEN_ON), Known(SOURCE))

    barred = desk("vm", SourceTidings(epoch=1, is_fenced=True))
    rests = desk("vm", SourceTidings(epoch=2, is_fenced=True))

    assert folder.path.exists()
    assert (barred.kind, barred.epoch, barred.runs_at) == (OrderKind.FENCE, 2, HERE)
    assert (rests.kind, rests.epoch) == (OrderKind.NOTHING, 2)


def test_who_lives_by_the_same_epoch_is_left_in_peace(tmp_path: Path) -> None:
    folder, desk = _opened(tmp_path, record(**GIVEN_ON), Known(SOURCE))

    assert folder.path.exists()
    assert desk("vm", SourceTidings(epoch=2, is_active=True)).kind is OrderKind.NOTHING


def test_a_machine_that_went_home_is_its_sources_own(tmp_path: Path) -> None:
    folder, desk = _opened(tmp_path, record(**GIVEN_ON), Known(SOURCE, {SOURCE: "third-id"}))

    assert folder.path.exists()
    assert desk("vm", SourceTidings(epoch=1, is_fenced=True)).kind is OrderKind.RELEASE


FOLLOWED_FROM_BEYOND = {"epoch": 2, "runs_at": "third-id", "home": SOURCE}


def test_its_first_home_hears_where_it_lives_once_it_is_followed_from_beyond(
    tmp_path: Path,
) -> None:
    """And what it says is not taken for what the host beyond has said."""
    known = Known("beyond-id", {SOURCE: "home-id", "beyond-id": "third-id"})
    _folder, desk = _opened(tmp_path, record(**FOLLOWED_FROM_BEYOND), known)
    desk("vm", SourceTidings(epoch=2, is_active=True), "beyond-id")

    behind = desk("vm", SourceTidings(epoch=1, is_fenced=True), SOURCE)
    by_force = desk("vm", SourceTidings(epoch=2, is_active=True), SOURCE)
    rests = desk("vm", SourceTidings(epoch=2, is_fenced=True), SOURCE)

    assert (behind.kind, behind.epoch, behind.runs_at) == (OrderKind.FENCE, 2, HERE)
    assert (by_force.kind, by_force.runs_at) == (OrderKind.FENCE, HERE)
    assert rests.kind is OrderKind.NOTHING
    heard = tidings_of(str(tmp_path), "vm")
    assert heard is not None
    assert heard.tidings.is_active


def test_an_order_for_the_host_beyond_is_not_its_first_homes(tmp_path: Path) -> None:
    known = Known("beyond-id", {SOURCE: "home-id", "beyond-id": "third-id"})
    folder, desk = _opened(tmp_path, record(**FOLLOWED_FROM_BEYOND, act=ACT), known)
    put_order(folder, SiteOrder(kind=OrderKind.HAND_OVER, act=ACT.id))

    theirs = desk("vm", SourceTidings(epoch=2, is_active=True), "beyond-id")
    homes = desk("vm", SourceTidings(epoch=2, is_fenced=True), SOURCE)

    assert theirs.kind is OrderKind.HAND_OVER
    assert homes.kind is OrderKind.NOTHING
