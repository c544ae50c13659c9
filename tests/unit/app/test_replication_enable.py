"""Enabling replication: named steps that are kept, and a failed one is where it goes on."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from holdfast.app import replication_records
from holdfast.app.config import Settings
from holdfast.app.replication_enable import LEAST_SPOOL, TITLES, Task
from holdfast.app.replication_errors import (
    ReplicationElsewhere,
    ReplicationNotPossible,
    SiteNameUnresolved,
    SpoolTooSmall,
    WayBackBarred,
)
from holdfast.app.replication_records import Enabling
from holdfast.app.replication_wanted import Wish
from holdfast.app.vm_errors import VmPartlyProtectable
from holdfast.app.vm_records import Step
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.hypervisor.states import Standing, State
from holdfast.machines.preflight import AgentSeen, DiskSeen, MachineSeen, plan_sheet
from holdfast.recovery.way_back_errors import WayBackMissing
from holdfast.replication.settings import Limit, Paused, ReplicationSettings, Seed, SiteAddress

UUID = "6f1c9a04-b2d8-4e35-9c41-41d2aa000002"
GIB = 1 << 30
TO = SiteAddress(site="south", machine="m-south", host="south.example")
ALL = frozenset(
    (
        *("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-exec", "guest-exec-status"),
        *("guest-file-open", "guest-file-write", "guest-file-close"),
    )
)


@dataclass(slots=True)
class Workshop:
    """Does what the steps ask for, and notes it; the step that is told to fails once."""

    fails: dict[str, HoldfastError] = field(default_factory=dict)
    free: int = LEAST_SPOOL
    did: list[str] = field(default_factory=list)
    kept: list[ReplicationSettings] = field(default_factory=list)

    def require_account(self) -> None:
        """It may do all."""

    def spool_free(self) -> int:
        return self.free

    def reach(self) -> str:
        return self._do("reach")

    def prepare(self) -> str:
        return self._do("prepare")

    def way_back(self) -> str:
        return self._do("way-back")

    def install_extension(self) -> str:
        return self._do("install")

    def remove_extension(self) -> None:
        self._do("remove")

    def look_at_guest(self) -> str:
        return self._do("look-at-guest")

    def keep(self, settings: ReplicationSettings) -> None:
        self._do("keep")
        self.kept.append(settings)

    def take_autostart(self) -> str:
        return self._do("take-autostart")

    def copy(self) -> str:
        return self._do("copy")

    def cycle(self) -> str:
        return self._do("cycle")

    def _do(self, what: str) -> str:
        self.did.append(what)
        if what in self.fails:
            raise self.fails.pop(what)
        return what


def _disk(target: str, *, shared: bool = False) -> DiskSpec:
    return DiskSpec(
        target=target, bus="virtio", device="disk", format="qcow2", kind="file",
        source=f"/images/{target}", is_shareable=shared,
    )  # fmt: skip


def _seen(*disks: DiskSpec, may_write: bool = True, has_agent: bool = True) -> MachineSeen:
    spec = DomainSpec(
        name="web", uuid=UUID, kind="kvm", memory_bytes=GIB, vcpus=1, arch="x86_64",
        machine="q35", disks=disks or (_disk("vda"),), has_agent_channel=True,
        is_agent_connected=True,
    )  # fmt: skip
    agent = AgentSeen(answers=True, version="7.2.0", commands=ALL) if has_agent else None
    return MachineSeen(
        spec=spec,
        standing=Standing(state=State.RUNNING, reason="booted"),
        disks={one.target: DiskSeen(size=GIB, may_write=may_write) for one in spec.disks},
        agent=agent,
    )


def _settings(**more: object) -> ReplicationSettings:
    known = ReplicationSettings(vm=UUID, name="web", to=TO)
    return msgspec.structs.replace(known, **more)


def _task(home: Path, works: Workshop, seen: MachineSeen | None = None) -> Task:
    seen = seen or _seen()
    return Task(
        session=Session(settings=Settings(home=str(home)), warn=lambda _: None),
        wanted=Enabling(wanted=_settings()),
        known=None,
        seen=seen,
        sheet=plan_sheet(seen),
        works=works,
    )


def _kept(home: Path) -> dict[str, str]:
    known = replication_records.load(str(home), UUID)
    assert known is not None
    return {step.name: step.state for step in known.steps}


def test_every_step_is_done_in_order_and_kept(tmp_path: Path) -> None:
    works, steps = Workshop(), list[Step]()

    done = _task(tmp_path, works).run(steps.append)

    assert [step.name for step in steps] == list(TITLES)
    assert {step.state for step in steps} == {"done"}
    before = ["reach", "prepare", "way-back", "install", "look-at-guest"]
    assert works.did == [*before, "keep", "take-autostart", "copy", "cycle"]
    assert replication_records.load(str(tmp_path), UUID) == done


def test_nothing_is_kept_as_settings_before_both_preflights_are_passed(tmp_path: Path) -> None:
    away = SiteNameUnresolved(site="south", host="south.example", reason="refused")
    works = Workshop(fails={"reach": away})

    with pytest.raises(SiteNameUnresolved):
        _task(tmp_path, works).run(lambda _step: None)

    assert works.did == ["reach"]
    assert _kept(tmp_path) == {"preflight": "done", "way": "failed"}


def test_the_same_command_goes_on_with_the_step_that_failed(tmp_path: Path) -> None:
    works = Workshop(fails={"copy": SiteNameUnresolved(site="s", host="h", reason="cut")})
    task = _task(tmp_path, works)

    with pytest.raises(SiteNameUnresolved):
        task.run(lambda _step: None)
    between = _kept(tmp_path)
    task.run(lambda _step: None)

    assert (between["settings"], between["initial-copy"]) == ("done", "failed")
    assert "first-cycle" not in between
    assert set(_kept(tmp_path).values()) == {"done"}


def test_a_machine_follows_to_one_site_only(tmp_path: Path) -> None:
    elsewhere = SiteAddress(site="west", machine="m-west", host="west.example")
    task = replace(_task(tmp_path, Workshop()), known=_settings(to=elsewhere))

    with pytest.raises(ReplicationElsewhere):
        task.run(lambda _step: None)


def test_a_pause_holds_when_settings_change(tmp_path: Path) -> None:
    works = Workshop()
    paused = Paused(who="kim", since=datetime(2026, 11, 21, tzinfo=UTC))
    task = replace(_task(tmp_path, works), known=_settings(paused=paused))

    task.run(lambda _step: None)

    assert works.kept[0].paused == paused


def test_a_spool_that_is_too_small_is_said_with_figures(tmp_path: Path) -> None:
    with pytest.raises(SpoolTooSmall, match=r"1\.00 KiB"):
        _task(tmp_path, Workshop(free=1024)).run(lambda _step: None)


def test_disks_that_cannot_be_taken_want_an_agreement(tmp_path: Path) -> None:
    seen = _seen(_disk("vda"), _disk("vdb", shared=True))
    works, agreed = Workshop(), Enabling(wanted=_settings(), partly=True)
    task = _task(tmp_path, works, seen)

    with pytest.raises(VmPartlyProtectable):
        task.run(lambda _step: None)
    replace(task, wanted=agreed).run(lambda _step: None)

    assert _kept(tmp_path)["preflight"] == "done"
    assert [each.left_out for each in works.kept] == [("vdb",)]


def test_a_machine_without_a_disk_that_can_be_taken_is_refused(tmp_path: Path) -> None:
    task = _task(tmp_path, Workshop(), _seen(_disk("vda", shared=True)))

    with pytest.raises(ReplicationNotPossible, match="vda"):
        task.run(lambda _step: None)


def test_a_way_back_that_is_barred_is_found_before_anything_is_copied(tmp_path: Path) -> None:
    works, seen = Workshop(), _seen(may_write=False)
    task = _task(tmp_path, works, seen)

    with pytest.raises(WayBackBarred, match="/images/vda"):
        task.run(lambda _step: None)
    before = list(works.did)
    replace(task, wanted=Enabling(wanted=_settings(), one_way=True)).run(lambda _step: None)

    assert before == ["reach", "prepare"]
    assert _kept(tmp_path)["way-back"] == "left-out"


def test_a_site_that_does_not_get_here_is_found_before_anything_is_copied(tmp_path: Path) -> None:
    lost = WayBackMissing(about="web", site="south", reason="no way")
    works = Workshop(fails={"way-back": lost})
    task = _task(tmp_path, works)

    with pytest.raises(WayBackMissing):
        task.run(lambda _step: None)
    before = list(works.did)
    works.fails = {"way-back": lost}
    replace(task, wanted=Enabling(wanted=_settings(), one_way=True)).run(lambda _step: None)

    assert before == ["reach", "prepare", "way-back"]
    assert _kept(tmp_path)["way-back"] == "left-out"


def test_no_extension_is_put_where_points_need_not_be_application_consistent(
    tmp_path: Path,
) -> None:
    never, silent = Workshop(), Workshop()
    task = _task(tmp_path, never)

    replace(task, wanted=Enabling(wanted=_settings(app_every=0))).run(lambda _step: None)
    _task(tmp_path, silent, _seen(has_agent=False)).run(lambda _step: None)

    assert "install" not in (*never.did, *silent.did)


def test_what_is_not_named_stays_as_it_was() -> None:
    known = _settings(every=30, priority=7, limits=(Limit(bytes_per_second=1),))
    spec = _seen().spec

    changed = Wish(every=900, hours=48).settings(spec, TO, hypervisor="qemu:///x", known=known)
    fresh = Wish(seed="vda=web.qcow2").settings(spec, TO, hypervisor="qemu:///x")

    assert (changed.every, changed.points.hours) == (900, 48)
    assert (changed.priority, changed.limits) == (7, known.limits)
    assert (fresh.seed, fresh.seed_from) == (Seed.IMAGE, "vda=web.qcow2")
    assert (fresh.every, fresh.hypervisor, fresh.name) == (300, "qemu:///x", "web")
