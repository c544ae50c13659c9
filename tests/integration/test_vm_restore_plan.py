"""What the restore of a machine would do on a host, asked of libvirt's own test driver."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.app.config import Settings
from holdfast.app.vm_restore_plan import RestorePlanner
from holdfast.app.wiring import Session
from holdfast.fleet.questions import PlannedDisk, VmPlan, VmPlanWanted
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.vaults import small_vault
from holdfast.testing.vm_points import (
    MIB,
    TRIAL_HOST,
    TRIAL_NAME,
    TRIAL_UUID,
    trial_description,
    write_vm_point,
)
from holdfast.vault.snapshot import Snapshot

pytestmark = pytest.mark.real


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        storage = DirectoryStorage(str(folder / "vault"))
        storage.create_root()
        self.vault = small_vault(storage)
        self.session = Session(
            settings=Settings(home=str(folder / "home"), libvirt=TRIAL_HOST), warn=lambda _: None
        )
        self.planner = RestorePlanner(self.session)
        self.point = self._written()

    def plan(self, **wanted: Any) -> VmPlan:
        given: dict[str, Any] = {"pool": str(self.folder / "pool"), **wanted}
        if given.get("mode") == "in-place":
            del given["pool"]
        asked = VmPlanWanted(point=self.point.id, **given)
        return self.planner.plan(self.vault, self.point, asked)

    def _written(self) -> Snapshot:
        """Two disks of four MiB, of which one has a MiB that is no zeros; two cards."""
        images = {name: self.folder / name for name in ("vda", "vdb")}
        for image in images.values():
            image.write_bytes(bytes(4 * MIB))
        with images["vda"].open("r+b") as disk:
            disk.seek(MIB)
            disk.write(b"x" * MIB)
        made = write_vm_point(
            self.vault,
            images,
            name=TRIAL_NAME,
            uuid=TRIAL_UUID,
            description=trial_description(*images),
        )
        return self.vault.find_snapshot(str(made.snapshot))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    pytest.importorskip("libvirt", reason="libvirt's Python binding is not installed")
    return Bench(tmp_path)


def codes(plan: VmPlan) -> tuple[list[str], list[str]]:
    return [one.code for one in plan.obstacles], [one.code for one in plan.cautions]


def test_new_machine_under_a_free_name_has_nothing_in_its_way(bench: Bench) -> None:
    plan = bench.plan(name="back", networks=["br-far-away=default"])

    assert codes(plan) == ([], [])
    assert (plan.vm, plan.name, plan.folder) == (TRIAL_NAME, "back", f"{bench.folder}/pool/back")
    assert plan.disks == [
        PlannedDisk(target="vda", size=4 * MIB, data=MIB),
        PlannedDisk(target="vdb", size=4 * MIB, data=0),
    ]
    assert plan.needed == MIB
    assert plan.free is not None
    assert plan.networks == ["default"]


def test_cards_are_shown_with_what_they_are_connected_to_then(bench: Bench) -> None:
    plan = bench.plan(name="back", networks=["default=bridge:br0", "br-far-away=none"])

    assert [(card.kind, card.network, card.goes_to) for card in plan.cards] == [
        ("network", "default", "bridge:br0"),
        ("bridge", "br-far-away", ""),
    ]


def test_network_that_the_host_lacks_is_told_before_the_machine_does_not_start(
    bench: Bench,
) -> None:
    plan = bench.plan(name="back")

    assert codes(plan) == ([], ["vm-network-not-here"])
    assert "br-far-away" in plan.cautions[0].message


def test_name_that_is_taken_is_in_the_way(bench: Bench) -> None:
    assert codes(bench.plan(networks=["br-far-away=none"]))[0] == ["vm-exists"]


def test_identity_that_is_there_is_in_the_way(bench: Bench) -> None:
    assert codes(bench.plan(name="back", keep_identity=True))[0] == ["vm-exists"]


def test_folder_that_is_there_is_in_the_way(bench: Bench) -> None:
    (bench.folder / "pool" / "back").mkdir(parents=True)

    assert codes(bench.plan(name="back"))[0] == ["vm-image-exists"]


def test_too_little_room_is_in_the_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.app.vm_restore_plan._free_at", lambda _folder: MIB - 1)

    assert codes(bench.plan(name="back"))[0] == ["vm-restore-no-room"]


def test_only_chosen_disks_are_counted(bench: Bench) -> None:
    plan = bench.plan(name="back", disks=["vdb"])

    assert plan.needed == 0
    assert [one.target for one in plan.disks if one.is_chosen] == ["vdb"]


def test_disk_that_the_point_does_not_have_is_in_the_way(bench: Bench) -> None:
    assert codes(bench.plan(name="back", disks=["vdz"]))[0] == ["point-disk-missing"]


def test_machine_that_runs_is_not_replaced(bench: Bench) -> None:
    plan = bench.plan(mode="in-place")

    assert codes(plan) == (["vm-not-off"], [])
    assert (plan.folder, plan.free) == ("", None)


def test_disks_alone_need_no_hypervisor(bench: Bench) -> None:
    session = Session(
        settings=Settings(home=bench.session.settings.home, libvirt="qemu+unix:///nowhere"),
        warn=lambda _: None,
    )
    bench.planner = RestorePlanner(session)

    assert codes(bench.plan(mode="disks")) == ([], [])
    # A machine does.
    assert len(codes(bench.plan(name="back"))[0]) == 1
