"""Enabling protection: named steps that are kept, and a failed one is where it goes on."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.app import vm_records
from holdfast.app.config import Settings
from holdfast.app.named_steps import LeftOut
from holdfast.app.vm_errors import (
    VmDiskTooLarge,
    VmLessConsistent,
    VmNeverFrozen,
    VmNotProtectable,
    VmPartlyProtectable,
    VmProtectionUnreadable,
)
from holdfast.app.vm_protect import FreezeWish, Task, Wanted
from holdfast.app.vm_records import FreezeSettings, Protection, Step
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.errors import AgentSilent
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.hypervisor.states import Standing, State
from holdfast.machines.backup_errors import VmBitmapImpossible
from holdfast.machines.extension.errors import ExtensionBroken, ExtensionBusy
from holdfast.machines.overlay_errors import VmOverlayImpossible
from holdfast.machines.preflight import AgentSeen, DiskSeen, Limits, MachineSeen, plan_sheet

UUID = "6f1c9a04-b2d8-4e35-9c41-41d2aa000001"
GIB = 1 << 30
ALL = frozenset(
    (
        *("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-exec", "guest-exec-status"),
        *("guest-file-open", "guest-file-write", "guest-file-close"),
    )
)
NOTHING_LIMITED = Limits()


@dataclass(slots=True)
class Workshop:
    """Does what the steps ask for, and notes it; fails as often as it is told to."""

    fails: list[HoldfastError] = field(default_factory=list)
    backup_fails: list[HoldfastError] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    points: int = 0

    def install_extension(self) -> str:
        self.did.append("install")
        if self.fails:
            raise self.fails.pop(0)
        return "installed"

    def remove_extension(self) -> None:
        self.did.append("remove")

    def has_point(self) -> bool:
        return self.points > 0

    def back_up(self, least: str) -> str:
        self.did.append(f"back up, {least} at least")
        if self.backup_fails:
            raise self.backup_fails.pop(0)
        self.points += 1
        return "made"

    def give_overlays_back(self) -> None:
        self.did.append("give overlays back")


def _disk(target: str, *, shared: bool = False) -> DiskSpec:
    return DiskSpec(
        target=target, bus="virtio", device="disk", format="qcow2", kind="file",
        source=f"/images/{target}", is_shareable=shared,
    )  # fmt: skip


def _seen(*disks: DiskSpec) -> MachineSeen:
    spec = DomainSpec(
        name="web", uuid=UUID, kind="kvm", memory_bytes=GIB, vcpus=1, arch="x86_64",
        machine="q35", disks=disks or (_disk("vda"),), has_agent_channel=True,
        is_agent_connected=True,
    )  # fmt: skip
    return MachineSeen(
        spec=spec,
        standing=Standing(state=State.RUNNING, reason="booted"),
        disks={one.target: DiskSeen(size=GIB) for one in spec.disks},
        agent=AgentSeen(answers=True, version="7.2.0", commands=ALL),
    )


def _protect(
    home: Path, works: Workshop, seen: MachineSeen | None = None, wanted: Wanted | None = None
) -> tuple[Protection, list[Step]]:
    seen, wanted = seen or _seen(), wanted or Wanted(limits=NOTHING_LIMITED)
    session = Session(settings=Settings(home=str(home)), warn=lambda _: None)
    sheet, steps = plan_sheet(seen, wanted.limits), list[Step]()
    task = Task(session=session, wanted=wanted, seen=seen, sheet=sheet, works=works)
    return task.run(steps.append), steps


def _kept(home: Path) -> dict[str, str]:
    known = vm_records.load(str(home), UUID)
    assert known is not None
    return {step.name: step.state for step in known.steps}


def test_every_step_is_done_in_order_and_kept(tmp_path: Path) -> None:
    works = Workshop()

    known, steps = _protect(tmp_path, works)

    assert [(one.name, one.state) for one in steps] == [
        ("preflight", "done"),
        ("agent", "done"),
        ("extension", "done"),
        ("first-backup", "done"),
        ("settings", "done"),
    ]
    assert works.did == ["install", "back up, crash at least"]
    assert known.since is not None
    assert vm_records.load(str(tmp_path), UUID) == known
    assert list(vm_records.load_all(str(tmp_path))) == [known]


def test_a_failed_step_is_kept_and_the_same_command_goes_on_with_it(tmp_path: Path) -> None:
    works = Workshop(backup_fails=[AgentSilent(about="web", reason="gone")])

    with pytest.raises(AgentSilent):
        _protect(tmp_path, works)
    after_failure = _kept(tmp_path)
    before = vm_records.load(str(tmp_path), UUID)
    known, _steps = _protect(tmp_path, works)

    assert after_failure == {
        "preflight": "done",
        "agent": "done",
        "extension": "done",
        "first-backup": "failed",
    }
    assert before is not None
    assert before.since is None
    assert known.since is not None
    assert set(_kept(tmp_path).values()) == {"done"}


def test_who_is_protected_already_gets_no_second_first_point(tmp_path: Path) -> None:
    works = Workshop()
    first, _steps = _protect(tmp_path, works)

    again, _steps = _protect(tmp_path, works)

    assert works.points == 1
    assert again.since == first.since


def test_an_extension_in_a_bad_state_is_taken_away_and_put_there_anew(tmp_path: Path) -> None:
    works = Workshop(fails=[ExtensionBroken(about="web", reason="not whole")])

    _protect(tmp_path, works)

    assert works.did[:3] == ["install", "remove", "install"]


def test_what_fails_twice_is_told(tmp_path: Path) -> None:
    broken = ExtensionBroken(about="web", reason="not whole")

    with pytest.raises(ExtensionBroken):
        _protect(tmp_path, Workshop(fails=[broken, broken]))

    assert _kept(tmp_path)["extension"] == "failed"


def test_an_extension_that_is_at_work_is_left_alone(tmp_path: Path) -> None:
    works = Workshop(fails=[ExtensionBusy(about="web", what="backup", pid="7", age="10 min")])

    with pytest.raises(ExtensionBusy):
        _protect(tmp_path, works)

    assert works.did == ["install"]


def test_without_an_agent_its_steps_are_left_out_and_the_machine_is_protected(
    tmp_path: Path,
) -> None:
    works = Workshop()
    silent = replace(_seen(), agent=AgentSeen(error="guest-agent-silent"))

    known, steps = _protect(tmp_path, works, silent)

    assert [one.state for one in steps] == ["done", "left-out", "left-out", "done", "done"]
    assert known.since is not None


def test_less_consistent_than_asked_for_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    works = Workshop()
    silent = replace(_seen(), agent=AgentSeen(error="guest-agent-silent"))

    with pytest.raises(VmLessConsistent):
        _protect(tmp_path, works, silent, Wanted(consistency="filesystem", limits=NOTHING_LIMITED))

    assert works.did == []


def test_a_disk_that_cannot_be_taken_needs_somebody_to_agree(tmp_path: Path) -> None:
    works, seen = Workshop(), _seen(_disk("vda"), _disk("vdb", shared=True))

    with pytest.raises(VmPartlyProtectable) as caught:
        _protect(tmp_path, works, seen)
    known, _steps = _protect(tmp_path, works, seen, Wanted(partly=True, limits=NOTHING_LIMITED))

    assert "vdb" in str(caught.value)
    assert known.left_out == {"vdb": "shared-disk"}


def test_a_machine_with_nothing_to_take_is_refused(tmp_path: Path) -> None:
    wanted = Wanted(partly=True, limits=NOTHING_LIMITED)

    with pytest.raises(VmNotProtectable):
        _protect(tmp_path, Workshop(), _seen(_disk("vda", shared=True)), wanted)

    assert _kept(tmp_path) == {"preflight": "failed"}


def test_a_disk_above_the_limit_has_a_code_of_its_own(tmp_path: Path) -> None:
    small = Wanted(limits=Limits(largest_disk=GIB - 1))

    with pytest.raises(VmDiskTooLarge) as caught:
        _protect(tmp_path, Workshop(), wanted=small)

    assert "UserErrorUnsupportedDiskSize" in caught.value.source_codes


def test_a_step_may_say_that_it_has_nothing_to_do(tmp_path: Path) -> None:
    class Empty(Workshop):
        def install_extension(self) -> str:
            raise LeftOut("nothing to install")

    _known, steps = _protect(tmp_path, Empty())

    assert (steps[2].state, steps[2].said) == ("left-out", "nothing to install")


def test_settings_that_are_not_named_again_stay_and_those_that_are_change(tmp_path: Path) -> None:
    works = Workshop()
    first = Wanted(
        consistency="crash",
        freeze=FreezeWish(mounts=("/", "/data"), every=4, every_seconds=0),
        scratch="/fast",
        limits=NOTHING_LIMITED,
    )
    _protect(tmp_path, works, wanted=first)

    again, _steps = _protect(tmp_path, works)
    changed, _steps = _protect(
        tmp_path,
        works,
        wanted=Wanted(
            freeze=FreezeWish(mounts=(), every=1, every_seconds=60),
            scratch="",
            limits=NOTHING_LIMITED,
        ),
    )

    assert (again.consistency, again.scratch) == ("crash", "/fast")
    assert again.freeze == FreezeSettings(mounts=("/", "/data"), every=4)
    assert (changed.freeze, changed.scratch) == (FreezeSettings(every_seconds=60), "")


def test_a_machine_that_is_never_frozen_needs_no_extension(tmp_path: Path) -> None:
    works = Workshop()
    never = Wanted(freeze=FreezeWish(never=True), limits=NOTHING_LIMITED)

    known, steps = _protect(tmp_path, works, wanted=never)

    assert known.freeze.never
    assert (steps[2].name, steps[2].state) == ("extension", "left-out")
    assert "install" not in works.did


def test_never_frozen_and_more_than_crash_consistent_cannot_both_be(tmp_path: Path) -> None:
    works = Workshop()
    filesystem = Wanted(consistency="filesystem", limits=NOTHING_LIMITED)
    _protect(tmp_path, works, wanted=filesystem)
    never = Wanted(freeze=FreezeWish(never=True), limits=NOTHING_LIMITED)

    with pytest.raises(VmNeverFrozen):
        _protect(tmp_path, works, wanted=never)

    kept = vm_records.load(str(tmp_path), UUID)
    assert kept is not None
    assert not kept.freeze.never


def test_a_note_of_a_release_without_such_settings_reads_as_if_none_were_made(
    tmp_path: Path,
) -> None:
    file = tmp_path / "vms" / f"{UUID}.json"
    file.parent.mkdir()
    file.write_text(f'{{"uuid": "{UUID}", "name": "web", "host": "x", "consistency": "crash"}}')

    known = vm_records.load(str(tmp_path), UUID)

    assert known is not None
    assert (known.freeze, known.scratch) == (FreezeSettings(), "")


def test_a_damaged_note_is_told_and_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "vms" / f"{UUID}.json"
    file.parent.mkdir()
    file.write_text("{")

    with pytest.raises(VmProtectionUnreadable):
        _protect(tmp_path, Workshop())

    assert file.read_text() == "{"


def test_what_is_no_note_of_a_machine_is_passed_over(tmp_path: Path) -> None:
    known = Protection(uuid=UUID, name="web", host="x", since=datetime(2026, 11, 21, tzinfo=UTC))
    vm_records.save(str(tmp_path), known)
    (tmp_path / "vms" / f"{UUID}.lock").touch()

    assert list(vm_records.load_all(str(tmp_path))) == [known]
    vm_records.remove(str(tmp_path), UUID)
    vm_records.remove(str(tmp_path), UUID)
    assert list(vm_records.load_all(str(tmp_path))) == []


OVERLAID = "/images/vda.holdfast-00000000000000aa"


def _tracked(tracking: str) -> Wanted:
    return Wanted(tracking=tracking, limits=NOTHING_LIMITED)


def test_how_changes_are_recorded_is_kept_and_overlays_stay_until_it_is_another_way(
    tmp_path: Path,
) -> None:
    works, seen = Workshop(), _seen(replace(_disk("vda"), source=OVERLAID))

    first, _steps = _protect(tmp_path, works, seen, _tracked("overlay"))
    again, _steps = _protect(tmp_path, works, seen)
    stayed = list(works.did)
    other, _steps = _protect(tmp_path, works, seen, _tracked("hash"))

    assert (first.tracking, again.tracking, other.tracking) == ("overlay", "overlay", "hash")
    assert "give overlays back" not in stayed
    assert works.did[-1] == "give overlays back"


def test_a_disk_that_can_have_no_overlay_keeps_the_machine_from_them(tmp_path: Path) -> None:
    works = Workshop()
    device = replace(_disk("vdb"), kind="block", format="raw", source="/dev/vg/b")

    with pytest.raises(VmOverlayImpossible, match=r"vdb: not-a-file \(block\)"):
        _protect(tmp_path, works, _seen(_disk("vda"), device), _tracked("overlay"))

    assert works.did == []


def test_a_disk_that_can_have_no_bitmap_keeps_the_machine_from_them(tmp_path: Path) -> None:
    works, raw = Workshop(), replace(_disk("vdb"), format="raw")

    with pytest.raises(VmBitmapImpossible, match="vdb"):
        _protect(tmp_path, works, _seen(_disk("vda"), raw), _tracked("bitmap"))

    assert works.did == []
