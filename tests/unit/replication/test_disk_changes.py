"""What was done to the disks of a machine, told by what they were and what they are."""

from holdfast.machines.layers import layer_path
from holdfast.replication.disk_changes import DiskChange, disk_changes
from holdfast.replication.source_facts import KeptDisk
from holdfast.replication.why_texts import WHATS, WHYS

_OURS = "holdfast-0123456789abcdef"


def disk(target: str = "vda", *, size: int = 10, chain: str = "base") -> KeptDisk:
    """`chain` from the top."""
    return KeptDisk(target=target, size=size, chain=tuple(f"/i/{name}" for name in chain.split()))


def told(before: list[KeptDisk], after: list[KeptDisk]) -> list[DiskChange]:
    found = list(disk_changes(before, after))
    assert all(each.what in WHATS and each.why in WHYS for each in found)
    return found


def test_of_disks_that_stay_as_they_are_nothing_is_told() -> None:
    assert told([disk(), disk("vdb")], [disk("vdb"), disk()]) == []


def test_disks_that_come_and_go_are_told() -> None:
    assert told([disk(), disk("vdb")], [disk(), disk("vdc", size=7)]) == [
        DiskChange("disks-changed", "disk-added", "vdc", 7),
        DiskChange("disks-changed", "disk-removed", "vdb"),
    ]


def test_disks_that_grow_or_shrink_are_told_with_what_they_are_now() -> None:
    assert told([disk(), disk("vdb")], [disk(size=11), disk("vdb", size=9)]) == [
        DiskChange("resized", "disk-grew", "vda", 11),
        DiskChange("resized", "disk-shrank", "vdb", 9),
    ]


def test_snapshots_of_others_their_merges_and_moves_are_told() -> None:
    base, above = disk(), disk(chain="snap base")

    assert told([base], [above]) == [DiskChange("images-changed", "image-above", "vda")]
    assert told([above], [base]) == [DiskChange("images-changed", "image-merged", "vda")]
    assert told([above], [disk(chain="snap")]) == [
        DiskChange("images-changed", "image-merged", "vda")
    ]
    assert told([base], [disk(chain="faster")]) == [
        DiskChange("images-changed", "image-elsewhere", "vda")
    ]


def test_where_nobody_could_look_and_of_our_own_layers_nothing_is_told() -> None:
    blind = KeptDisk(target="vda", size=10)
    ours = KeptDisk(target="vda", size=10, chain=(layer_path("/i/base", _OURS), "/i/base"))

    assert told([blind], [disk()]) == told([disk()], [blind]) == []
    assert told([disk()], [ours]) == told([ours], [disk()]) == []
