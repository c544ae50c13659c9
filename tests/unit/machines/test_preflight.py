"""The planner's sheet: what can be protected, how, and why not."""

from dataclasses import replace
from typing import Any

import pytest

from holdfast.disks.image_facts import Image
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec, TpmSpec
from holdfast.hypervisor.states import Standing, State
from holdfast.machines.preflight import (
    AgentSeen,
    DiskSeen,
    Extent,
    Limits,
    MachineSeen,
    Remark,
    Sheet,
    Taken,
    Weight,
    plan_sheet,
)
from holdfast.machines.preflight_texts import CODES, remedy, sentence

GIB = 1 << 30
ALL = frozenset(
    (
        *("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-exec", "guest-exec-status"),
        *("guest-file-open", "guest-file-write", "guest-file-close"),
    )
)
ANSWERS = AgentSeen(answers=True, version="7.2.0", commands=ALL)


def _disk(**more: Any) -> DiskSpec:
    usual: dict[str, Any] = {
        "target": "vda", "bus": "virtio", "device": "disk", "format": "qcow2", "kind": "file",
        "source": "/images/web.qcow2",
    }  # fmt: skip
    return DiskSpec(**{**usual, **more})


def _image(**more: Any) -> Image:
    usual: dict[str, Any] = {
        "format": "qcow2", "virtual_size": GIB, "allocated": 0, "cluster_size": 65536,
        "backing": None, "backing_path": None, "backing_format": None, "depth": 1,
        "compat": "1.1", "bitmaps": (), "snapshots": (), "data_file": None,
        "is_encrypted": False, "is_corrupt": False,
    }  # fmt: skip
    return Image(**{**usual, **more})


def _machine(*disks: DiskSpec, seen: DiskSeen | None = None, **more: Any) -> MachineSeen:
    disks = disks or (_disk(),)
    spec = DomainSpec(
        name="web", uuid="6f1c9a04-b2d8-4e35-9c41-41d2aa000001", kind="kvm", memory_bytes=GIB,
        vcpus=1, arch="x86_64", machine="q35", disks=disks, has_agent_channel=True,
        is_agent_connected=True,
    )  # fmt: skip
    found = seen or DiskSeen(size=GIB, image=_image(), may_write=True)
    return MachineSeen(
        spec=replace(spec, **more),
        standing=Standing(state=State.RUNNING, reason="booted"),
        disks={one.target: found for one in disks},
        agent=ANSWERS,
    )


def _codes(sheet: Sheet) -> set[str]:
    return {remark.code for _disk, remark in sheet.all_remarks()}


def test_an_ordinary_machine_has_nothing_against_it() -> None:
    sheet = plan_sheet(_machine())

    assert (sheet.extent, sheet.consistency) == (Extent.WHOLE, "application")
    assert [one.taken for one in sheet.disks] == [Taken.TRACKED]
    assert _codes(sheet) == set()


@pytest.mark.parametrize(
    ("disk", "code"),
    [
        ({"device": "cdrom"}, "removable"),
        ({"device": "floppy"}, "removable"),
        ({"kind": None, "source": None}, "empty-drive"),
        ({"is_readonly": True}, "read-only"),
        ({"is_transient": True}, "transient-disk"),
    ],
)
def test_what_cannot_lose_anything_is_left_out(disk: dict[str, Any], code: str) -> None:
    sheet = plan_sheet(_machine(_disk(), _disk(target="sda", **disk)))

    assert sheet.extent is Extent.WHOLE
    assert [(one.taken, *(r.code for r in one.remarks)) for one in sheet.disks[1:]] == [
        (Taken.SKIPPED, code)
    ]


@pytest.mark.parametrize(
    ("disk", "seen", "code"),
    [
        ({"device": "lun"}, {}, "passthrough-disk"),
        ({"kind": "vhostuser"}, {}, "unknown-source"),
        ({"kind": "nvme"}, {}, "unknown-source"),
        ({"is_shareable": True}, {}, "shared-disk"),
        ({}, {"is_missing": True}, "image-missing"),
        ({}, {"image": _image(is_corrupt=True)}, "image-corrupt"),
        ({}, {"size": 5 * GIB}, "disk-too-large"),
        ({"backing_depth": 198}, {}, "chain-full"),
    ],
)
def test_a_disk_that_cannot_be_taken_makes_it_partly(
    disk: dict[str, Any], seen: dict[str, Any], code: str
) -> None:
    machine = _machine(_disk(), _disk(target="vdb", **disk))
    found = {**machine.disks, "vdb": replace(machine.disks["vdb"], **seen)}

    sheet = plan_sheet(replace(machine, disks=found), Limits(largest_disk=4 * GIB))

    assert sheet.extent is Extent.PARTLY
    assert [one.taken for one in sheet.disks] == [Taken.TRACKED, Taken.REFUSED]
    assert code in _codes(sheet)


@pytest.mark.parametrize(
    ("disk", "seen", "code"),
    [
        ({"format": "raw"}, {"image": _image(format="raw", compat=None)}, "no-tracking"),
        ({"format": None}, {"image": None}, "no-tracking"),
        ({}, {"image": _image(compat="0.10")}, "qcow2-v2"),
    ],
)
def test_a_disk_that_records_nothing_is_compared(
    disk: dict[str, Any], seen: dict[str, Any], code: str
) -> None:
    sheet = plan_sheet(_machine(_disk(**disk), seen=DiskSeen(size=GIB, **seen)))

    assert (sheet.extent, sheet.disks[0].taken) == (Extent.WHOLE, Taken.COMPARED)
    assert _codes(sheet) - {"overlay-possible", "no-overlay"} == {code}


@pytest.mark.parametrize(
    ("disk", "seen", "code"),
    [
        ({"kind": "network", "protocol": "rbd", "source": "pool/web"}, {"image": None},
         "network-disk"),
        ({}, {"image": None, "unseen": "Permission denied"}, "image-unseen"),
        ({}, {"may_write": False}, "place-not-writable"),
        ({"is_mirrored": True}, {}, "copy-under-way"),
        ({}, {"image": _image(is_encrypted=True)}, "encrypted-disk"),
        ({}, {"image": _image(depth=51)}, "chain-deep"),
        ({}, {"image": _image(snapshots=("before",))}, "internal-snapshots"),
    ],
)  # fmt: skip
def test_what_is_less_than_it_could_be_is_told_and_taken(
    disk: dict[str, Any], seen: dict[str, Any], code: str
) -> None:
    machine = _machine(_disk(**disk))
    found = {"vda": replace(machine.disks["vda"], **seen)}

    sheet = plan_sheet(replace(machine, disks=found))

    assert sheet.extent is Extent.WHOLE
    assert _codes(sheet) - {"overlay-possible", "no-overlay"} == {code}


def test_a_machine_whose_every_disk_is_refused_cannot_be_protected() -> None:
    sheet = plan_sheet(_machine(_disk(is_shareable=True)))

    assert sheet.extent is Extent.NOT
    assert _codes(sheet) == {"shared-disk", "nothing-to-take"}


@pytest.mark.parametrize(
    ("standing", "best"),
    [
        (Standing(state=State.OFF, reason="shutdown"), "filesystem"),
        (Standing(state=State.OFF, reason="destroyed"), "crash"),
        (Standing(state=State.PAUSED, reason="user"), "crash"),
    ],
)
def test_without_a_guest_to_ask_the_class_is_what_its_end_was(
    standing: Standing, best: str
) -> None:
    sheet = plan_sheet(replace(_machine(), standing=standing, agent=None))

    assert sheet.consistency == best


@pytest.mark.parametrize(
    ("spec", "agent", "best", "code"),
    [
        ({"has_agent_channel": False}, AgentSeen(), "crash", "no-channel"),
        ({"is_agent_connected": False}, AgentSeen(), "crash", "agent-absent"),
        ({}, AgentSeen(error="guest-agent-silent"), "crash", "agent-silent"),
        ({}, replace(ANSWERS, commands=ALL - {"guest-exec"}), "filesystem", "agent-unable"),
        ({}, replace(ANSWERS, commands=ALL - {"guest-fsfreeze-thaw"}), "crash", "agent-unable"),
        ({}, replace(ANSWERS, is_frozen=True), "application", "frozen"),
    ],
)
def test_the_agent_decides_how_consistent_a_point_can_be(
    spec: dict[str, Any], agent: AgentSeen, best: str, code: str
) -> None:
    sheet = plan_sheet(replace(_machine(**spec), agent=agent))

    assert (sheet.consistency, _codes(sheet)) == (best, {code})


@pytest.mark.parametrize(
    ("more", "spec", "code", "extent"),
    [
        ({"has_backup": False}, {}, "no-backup-jobs", Extent.NOT),
        ({"is_persistent": False}, {}, "transient-machine", Extent.WHOLE),
        ({"foreign_checkpoints": 2}, {}, "foreign-checkpoints", Extent.WHOLE),
        ({}, {"host_devices": ("pci 0000:01:00.0",)}, "host-device", Extent.WHOLE),
        ({}, {"shared_folders": ("/srv",)}, "shared-folder", Extent.WHOLE),
        ({}, {"tpm": TpmSpec(model="tpm-crb", backend="passthrough")}, "tpm-passthrough",
         Extent.WHOLE),
        ({"standing": Standing(state=State.PAUSED, reason="ioerror")}, {}, "stuck-on-io",
         Extent.WHOLE),
        ({"standing": Standing(state=State.OFF, reason="saved")}, {}, "saved-state", Extent.WHOLE),
        ({"standing": Standing(state=State.CRASHED, reason="")}, {}, "crashed", Extent.WHOLE),
    ],
)  # fmt: skip
def test_what_speaks_of_the_whole_machine(
    more: dict[str, Any], spec: dict[str, Any], code: str, extent: Extent
) -> None:
    sheet = plan_sheet(replace(_machine(**spec), **more))

    assert (sheet.extent, _codes(sheet)) == (extent, {code})


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_remark_has_words(code: str) -> None:
    values: dict[str, object] = dict.fromkeys(
        ("device", "kind", "path", "protocol", "reason", "depth", "most", "count", "first",
         "format", "devices", "folders", "version", "commands"), "x",
    )  # fmt: skip
    remark = Remark(code=code, weight=Weight.NOTE, values={**values, "size": GIB, "limit": GIB})

    assert "{" not in sentence(remark)
    assert "VM" not in remedy(remark, "web")
