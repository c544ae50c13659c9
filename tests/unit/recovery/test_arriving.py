"""What a try to move a machine here that was killed has left is gone before the next one."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.recovery import live_sockets
from holdfast.recovery.desk import put_order
from holdfast.recovery.live import Arriving
from holdfast.recovery.live_errors import LiveSourceSilent
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site_orders import OrderKind, SiteOrder
from holdfast.testing.clock import FakeClock

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
        take=lambda **_: None,
        settle_in=lambda: (),
    )


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
