"""How a machine's changes are recorded, and which disks can have overlays."""

from dataclasses import replace

import pytest

from holdfast.disks.image_facts import Link
from holdfast.hypervisor.disk_layers import layers_xml
from holdfast.hypervisor.machine_spec import DiskSpec
from holdfast.machines.layers import below_ours, merges, newer_layers
from holdfast.machines.overlay_fitness import why_not
from holdfast.machines.overlays import LayeredDisk
from holdfast.machines.points import DiskFacts, Rung
from holdfast.machines.tracking import (
    LayersNow,
    Tracking,
    Wanted,
    Why,
    choose_layers,
    read_mode,
    what_is_read,
)

FILE = DiskSpec(
    target="vda", bus="virtio", device="disk", format="raw", kind="file", source="/images/a.raw"
)
FIRST, SECOND, THIRD = (f"holdfast-{number:016x}" for number in (1, 2, 3))


def chain(*names: str) -> tuple[Link, ...]:
    return tuple(Link(path=name, format="qcow2", size=0, allocated=0) for name in names)


def layer(generation: str, disk: str = "/a") -> str:
    return f"{disk}.{generation}"


def test_only_what_no_point_names_is_merged() -> None:
    now = chain(layer(THIRD), layer(SECOND), layer(FIRST), "/a")

    found = merges(now, {SECOND})

    assert [(one.base.path, one.top.path, one.files) for one in found] == [
        ("/a", layer(FIRST), (layer(FIRST),))
    ]


def test_what_a_failed_backup_left_is_merged_into_the_one_the_point_names() -> None:
    now = chain(layer(THIRD), layer(SECOND), layer(FIRST), "/a")

    found = merges(now, {FIRST})

    assert [(one.base.path, one.top.path) for one in found] == [(layer(FIRST), layer(SECOND))]
    assert newer_layers(now[1:], FIRST) == 2


def test_one_that_was_cut_off_stays_until_what_lies_below_can_be_cut_too() -> None:
    sizes = {layer(THIRD): 9, layer(SECOND): 9, layer(FIRST): 5, "/a": 9}
    now = tuple(replace(link, size=sizes[link.path]) for link in chain(*sizes))

    live = merges(now, set(), can_cut=False)
    off = merges(now, set())

    assert [(one.base.path, one.top.path) for one in live] == [(layer(FIRST), layer(SECOND))]
    assert [(one.base.path, one.top.path) for one in off] == [("/a", layer(SECOND))]


def test_an_image_of_somebody_else_is_merged_into_and_never_away() -> None:
    now = chain(layer(THIRD, "/b"), layer(SECOND, "/b"), "/b", layer(FIRST), "/a")

    found = merges(now, set())

    assert [(one.base.path, one.top.path) for one in found] == [
        ("/a", layer(FIRST)),
        ("/b", layer(SECOND, "/b")),
    ]
    assert below_ours(now).path == "/b"


def test_points_tell_of_the_disk_as_it_is_without_overlays() -> None:
    used = replace(FILE, format="qcow2", source=layer(FIRST))
    links = (*chain(layer(FIRST)), Link(path="/a", format="raw", size=0, allocated=0))

    plain = LayeredDisk(spec=used, chain=links).plain

    assert (plain.source, plain.format) == ("/a", "raw")


BEFORE = DiskFacts(target="vda", size=10, generation=FIRST)


@pytest.mark.parametrize(
    ("size", "newer", "before", "wanted", "expected"),
    [
        (10, 2, BEFORE, Wanted.AUTO, (Rung.OVERLAY, Why.TRACKED)),
        (12, 1, BEFORE, Wanted.AUTO, (Rung.OVERLAY, Why.TRACKED)),
        (9, 1, BEFORE, Wanted.AUTO, (Rung.HASH, Why.SHRUNK)),
        (10, 0, BEFORE, Wanted.AUTO, (Rung.HASH, Why.LAYER_MISSING)),
        (10, 1, BEFORE, Wanted.HASH, (Rung.HASH, Why.ASKED)),
        (10, 1, BEFORE, Wanted.FULL, (Rung.FULL, Why.ASKED)),
        (10, 0, None, Wanted.AUTO, (Rung.FULL, Why.FIRST)),
        (
            10,
            0,
            DiskFacts(target="vda", size=10, checkpoint=FIRST, generation=FIRST),
            Wanted.AUTO,
            (Rung.HASH, Why.NO_CHECKPOINT),
        ),
    ],
)
def test_overlays_count_only_from_the_one_the_newest_point_names(
    size: int,
    newer: int,
    before: DiskFacts | None,
    wanted: Wanted,
    expected: tuple[Rung, Why],
) -> None:
    now = LayersNow(target="vda", size=size, newer=newer)

    track = choose_layers(now, before, wanted=wanted)

    assert (track.rung, track.why) == expected
    assert track.layers == (newer if track.rung is Rung.OVERLAY else 0)


@pytest.mark.parametrize(
    ("mode", "setting", "expected"),
    [
        ("auto", Tracking.AUTO, (Tracking.AUTO, Wanted.AUTO)),
        ("auto", Tracking.OVERLAY, (Tracking.OVERLAY, Wanted.AUTO)),
        ("hash", Tracking.OVERLAY, (Tracking.OVERLAY, Wanted.HASH)),
        ("full", Tracking.BITMAP, (Tracking.BITMAP, Wanted.FULL)),
        ("overlay", Tracking.AUTO, (Tracking.OVERLAY, Wanted.AUTO)),
        ("bitmap", Tracking.OVERLAY, (Tracking.BITMAP, Wanted.AUTO)),
        ("auto", Tracking.HASH, (Tracking.HASH, Wanted.HASH)),
        ("full", Tracking.HASH, (Tracking.HASH, Wanted.FULL)),
    ],
)
def test_a_mode_is_a_way_of_recording_or_what_is_read_this_time(
    mode: str, setting: Tracking, expected: tuple[Tracking, Wanted]
) -> None:
    told, wanted = read_mode(mode)

    tracking = told or setting

    assert (tracking, what_is_read(tracking, wanted)) == expected


@pytest.mark.parametrize(
    ("disk", "snapshots", "reason"),
    [
        (FILE, 0, ""),
        (replace(FILE, format="qcow2"), 0, ""),
        (replace(FILE, kind="block", source="/dev/a"), 0, "not-a-file (block)"),
        (replace(FILE, kind="network", source="pool/a"), 0, "not-a-file (network)"),
        (replace(FILE, is_encrypted=True), 0, "encrypted"),
        (replace(FILE, has_data_file=True), 0, "data-file"),
        (replace(FILE, is_mirrored=True), 0, "being-copied"),
        (replace(FILE, format="vmdk"), 0, "unknown-format"),
        (replace(FILE, format="qcow2"), 1, "internal-snapshots"),
    ],
)
def test_a_disk_that_can_have_no_overlay_says_why(
    disk: DiskSpec, snapshots: int, reason: str
) -> None:
    assert why_not(disk, snapshots) == reason


def test_disks_that_are_not_named_are_left_out_of_the_instant() -> None:
    xml = layers_xml({"vda": "/a.new"}, others=("sda",))

    assert '<disk name="vda" snapshot="external" type="file">' in xml
    assert '<disk name="sda" snapshot="no"' in xml
