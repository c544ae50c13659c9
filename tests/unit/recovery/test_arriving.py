"""A machine that comes here alive: what a killed try has left, and what is noted when it runs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from holdfast.hypervisor.errors import HypervisorFailed
from holdfast.hypervisor.states import Standing, State
from holdfast.recovery import live, live_sockets
from holdfast.recovery.desk import desk_of, put_order
from holdfast.recovery.live import Arriving, go_on_or_anew
from holdfast.recovery.live_errors import LiveNotRunning, LiveSourceRefuses, LiveSourceSilent
from holdfast.recovery.record import Promoted, RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site_orders import OrderKind, SiteOrder, SourceTidings
from holdfast.testing.clock import FakeClock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
VM = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(live_sockets, "_BASE", tmp_path / "live")
    return tmp_path / "live"


def _starting(home: Path) -> Any:
    """As far as it is asked before its source has been heard."""
    return SimpleNamespace(
        folder=RecordFolder(str(home), VM),
        act=SimpleNamespace(id="the act"),
        clock=FakeClock(),
        home=str(home),
        vm=VM,
        name="web",
        record=lambda: RecoveryRecord(vm=VM, name="web"),
        now=lambda: SimpleNamespace(epoch=0, generation=""),
        take=lambda **_: SimpleNamespace(name="epoch"),
        settle_in=lambda: (),
    )


@dataclass(slots=True)
class _EndsAtOnce:
    """It was carried here, and dies as its processors are let go."""

    def standing(self) -> Standing:
        return Standing(state=State.PAUSED, reason="migration-done")

    def resume(self) -> None:
        raise HypervisorFailed(about="web", reason="connection reset")


def test_it_counts_as_run_before_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starting = _starting(tmp_path)
    promoted = Promoted(
        generation="g", taken_at=NOON, name="web", uuid=VM, folder="/running", disks=()
    )
    starting.folder.change(
        lambda now: msgspec.structs.replace(now, promoted=promoted), first=starting.record()
    )
    starting.record, starting.place = starting.folder.load, None
    monkeypatch.setattr(live, "domain_of", lambda _place, _promoted: _EndsAtOnce())
    steps = {step.name: step for step in Arriving(starting, hypervisor="").steps()}

    with pytest.raises(HypervisorFailed):
        steps["resume"].do()

    # So it is started here again, from what it wrote; and not at home, without that.
    noted = starting.folder.load().promoted
    assert noted.started_at is not None


class _Speaking(FakeClock):
    """While somebody waits, its source speaks: it has been started."""

    def __init__(self, starting: Any, *, is_started: bool) -> None:
        super().__init__()
        self._starting, self._is_started = starting, is_started
        starting.clock = self
        self.hear(is_active=False)

    def hear(self, *, is_active: bool) -> None:
        told = SourceTidings(is_active=is_active)
        desk_of(self._starting.home, "site", self)(VM, told)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.hear(is_active=self._is_started)


@pytest.mark.parametrize("is_started", [True, False])
def test_one_that_was_started_a_moment_ago_runs(tmp_path: Path, *, is_started: bool) -> None:
    """Its source says so only every two seconds."""
    starting = _starting(tmp_path)
    starting.folder.change(
        lambda now: msgspec.structs.replace(now, epoch=1), first=starting.record()
    )
    _Speaking(starting, is_started=is_started)
    steps = {step.name: step for step in Arriving(starting, hypervisor="").steps()[:3]}

    if is_started:
        assert steps["running"].do() == ""
    else:
        with pytest.raises(LiveNotRunning):
            steps["running"].do()


class _Failing(FakeClock):
    """It stood ready when it was heard last; while somebody waits it says that it did not move."""

    def __init__(self, starting: Any) -> None:
        super().__init__()
        self._starting = starting
        starting.clock = self
        self.hear("")
        super().sleep(1)

    def hear(self, error: str) -> None:
        facts = {"live": "frozen", "attempt": "one"}
        told = SourceTidings(
            doing=OrderKind.HAND_OVER_LIVE, act="the act", facts=facts, error=error
        )
        desk_of(self._starting.home, "site", self)(VM, told)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.hear("live-migration-failed")


def test_what_a_run_of_before_has_heard_may_be_over(tmp_path: Path) -> None:
    """It may be on its way here in this moment, and there is nothing to be made ready."""
    starting = _starting(tmp_path)
    starting.folder.path.mkdir(parents=True)
    order = SiteOrder(
        kind=OrderKind.HAND_OVER_LIVE, act="the act", patience=9, options={"attempt": "one"}
    )
    put_order(starting.folder, order)
    _Failing(starting)
    starting.plan = lambda: pytest.fail("it is made ready once more")
    steps = {step.name: step for step in Arriving(starting, hypervisor="").steps()}

    with pytest.raises(LiveSourceRefuses):
        steps["move"].do()


def test_its_sockets_go_before_the_order_that_names_them(tmp_path: Path, base: Path) -> None:
    starting = _starting(tmp_path)
    starting.folder.path.mkdir(parents=True)
    way = live_sockets.way_of("the act", "killed")
    live_sockets.make_room(way)
    live_sockets.open_doors(starting.folder, "the act", way, hypervisor="qemu:///system")
    options = {"phase": "migrate", "attempt": "killed"}
    put_order(
        starting.folder,
        SiteOrder(kind=OrderKind.HAND_OVER_LIVE, act="the act", patience=9, options=options),
    )
    steps = {step.name: step for step in Arriving(starting, hypervisor="").steps()[:3]}

    # Its source is not there to be heard; what was there to be cleared is cleared all the same.
    with pytest.raises(LiveSourceSilent):
        steps["catch-up"].do()

    assert not base.exists()
    assert not (starting.folder.path / "doors.json").exists()


class _Coming:
    """It was under way, and its source says that it is not any more."""

    def __init__(self, *, refusals: int, was_begun: bool) -> None:
        self.refusals, self.is_on_its_way = refusals, was_begun
        self.given_up = self.done = 0

    def give_up(self) -> None:
        self.given_up += 1

    def go(self) -> None:
        if self.refusals:
            self.refusals, self.is_on_its_way = self.refusals - 1, False
            raise LiveSourceRefuses(about="web", said="it broke off", advice="again")
        self.done += 1


def test_a_try_of_before_that_has_failed_meanwhile_is_begun_anew() -> None:
    coming = _Coming(refusals=1, was_begun=True)

    go_on_or_anew(coming, coming.go, is_under_way=lambda: coming.is_on_its_way)

    assert (coming.given_up, coming.done) == (1, 1)


@pytest.mark.parametrize(("refusals", "was_begun"), [(1, False), (2, True)])
def test_a_try_of_this_command_that_is_refused_is_told_of(refusals: int, was_begun: bool) -> None:
    coming = _Coming(refusals=refusals, was_begun=was_begun)

    with pytest.raises(LiveSourceRefuses):
        go_on_or_anew(coming, coming.go, is_under_way=lambda: coming.is_on_its_way)

    assert coming.done == 0
