"""Images through qemu-img, and as files through FUSE."""

import subprocess
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.disks import images
from holdfast.disks.errors import (
    BitmapUnusable,
    ImageInUse,
    ImageMissing,
    ImageToolFailed,
    ImageUnreadable,
)
from holdfast.disks.image_facts import Bitmap, Checked
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.serving import mounted_image, served_image
from holdfast.disks.spans import Span
from holdfast.testing.waiting import wait_until

pytestmark = pytest.mark.real

MIB = 1 << 20
CLOCK = SystemClock()


def test_chain_is_told_from_its_top(tmp_path: Path) -> None:
    base, top = tmp_path / "base.qcow2", tmp_path / "top.qcow2"
    images.create(base, 8 * MIB, options=["compat=0.10"])
    images.create(top, backing=base, backing_format="qcow2")

    seen, below = images.inspect(top), images.inspect(base)

    assert (seen.format, seen.virtual_size, seen.depth, seen.compat) == ("qcow2", 8 * MIB, 2, "1.1")
    assert (seen.backing, seen.backing_format) == (str(base), "qcow2")
    assert (seen.cluster_size, seen.is_encrypted, seen.is_corrupt) == (64 << 10, False, False)
    assert seen.can_keep_bitmaps
    assert (below.depth, below.compat, below.can_keep_bitmaps) == (1, "0.10", False)


def test_raw_disk_that_looks_like_an_image_is_what_it_is_said_to_be(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    images.create(image, MIB)

    assert images.inspect(image).format == "qcow2"
    assert images.inspect(image, format_="raw").format == "raw"


def test_bitmaps_come_and_go(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    images.create(image, MIB)

    images.add_bitmap(image, "one")
    images.add_bitmap(image, "two")
    images.remove_bitmap(image, "one")

    kept = Bitmap(name="two", granularity=64 << 10, is_recording=True, is_in_use=False)
    assert images.inspect(image).bitmaps == (kept,)


def test_bitmap_of_a_killed_writer_is_unusable(tmp_path: Path) -> None:
    image, path = tmp_path / "disk.qcow2", tmp_path / "s"
    images.create(image, MIB)
    images.add_bitmap(image, "since")
    with subprocess.Popen(["qemu-nbd", "-f", "qcow2", "-k", path, image]) as writer:
        wait_until(lambda: any(b.is_in_use for b in images.inspect(image, is_live=True).bitmaps))
        writer.kill()

    with (
        pytest.raises(BitmapUnusable, match="since"),
        served_image(image, tmp_path / "other", format_="qcow2", clock=CLOCK, bitmap="since"),
    ):
        pytest.fail("it was served")


def test_image_in_use_is_not_touched(tmp_path: Path) -> None:
    image, path = tmp_path / "disk.qcow2", tmp_path / "s"
    images.create(image, MIB)

    with served_image(image, path, format_="qcow2", clock=CLOCK, is_writable=True):
        with pytest.raises(ImageInUse, match=r"disk\.qcow2"):
            images.inspect(image)
        with pytest.raises(ImageInUse):
            images.resize(image, 2 * MIB, format_="qcow2")
        live = images.inspect(image, is_live=True)

    assert live.virtual_size == MIB
    assert not path.exists()


def test_missing_image_below_is_the_one_named(tmp_path: Path) -> None:
    base, top = tmp_path / "base.qcow2", tmp_path / "top.qcow2"
    images.create(base, MIB)
    images.create(top, backing=base, backing_format="qcow2")
    base.unlink()

    with pytest.raises(ImageMissing, match=r"base\.qcow2"):
        images.inspect(top)
    assert images.inspect(top, looks_below=False).backing == str(base)


def test_what_is_no_image_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"noise" * 1000)
    (tmp_path / "cut").write_bytes(b"QFI\xfb\x00\x00\x00\x03" + bytes(200))

    with pytest.raises(ImageUnreadable, match="not in qcow2 format"):
        images.inspect(tmp_path / "noise", format_="qcow2")
    with pytest.raises(ImageUnreadable, match="cluster size"):
        images.inspect(tmp_path / "cut", format_="qcow2")


def test_check_finds_damage_and_knows_what_it_cannot_check(tmp_path: Path) -> None:
    image, raw = tmp_path / "disk.qcow2", tmp_path / "disk.raw"
    raw.write_bytes(b"x" * MIB)
    images.convert(raw, image, source_format="raw", target_format="qcow2")
    sound = images.check(image, format_="qcow2")
    with image.open("r+b") as file:
        # The table of counts says that nothing is in use.
        file.seek(2 * (64 << 10))
        file.write(bytes(64 << 10))

    damaged = images.check(image, format_="qcow2")

    assert sound == Checked()
    assert damaged.corruptions
    assert not damaged.is_sound
    assert not images.check(raw, format_="raw").can_be_checked


def test_sizes_grow_and_shrink_only_when_they_may(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    images.create(image, MIB)

    images.resize(image, 4 * MIB, format_="qcow2")
    with pytest.raises(ImageToolFailed, match="shrink"):
        images.resize(image, MIB, format_="qcow2")
    images.resize(image, 2 * MIB, format_="qcow2", may_shrink=True)

    assert images.inspect(image).virtual_size == 2 * MIB


def test_chain_is_merged_moved_and_cut(tmp_path: Path) -> None:
    raw, base, moved, top = (tmp_path / name for name in ("raw", "base", "moved", "top"))
    raw.write_bytes(b"x" * MIB)
    images.convert(raw, base, source_format="raw", target_format="qcow2")
    images.create(top, backing=base, backing_format="qcow2")
    with (
        served_image(
            top, tmp_path / "s", format_="qcow2", clock=CLOCK, is_writable=True
        ) as address,
        NbdClient(address) as client,
    ):
        client.write(0, b"y" * (64 << 10))
    depths = [(extent.span, extent.depth) for extent in images.extents(top, format_="qcow2")]

    base.rename(moved)
    images.rebase(top, moved, is_rename=True)
    images.commit(top)
    images.rebase(top, None)

    assert depths == [(Span(0, 64 << 10), 0), (Span(64 << 10, MIB), 1)]
    assert images.inspect(top).depth == 1
    assert images.are_same(top, moved, one_format="qcow2", other_format="qcow2")
    assert not images.are_same(top, raw, one_format="qcow2", other_format="raw")


def test_names_that_look_like_options_and_protocols_are_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-f", "nbd:unix", "a,b c"):
        images.create(Path(name), MIB)

        assert images.inspect(Path(name)).virtual_size == MIB


def test_mounted_image_is_a_file_of_its_content(tmp_path: Path) -> None:
    raw, image, file = tmp_path / "disk.raw", tmp_path / "a,b.qcow2", tmp_path / "view"
    raw.write_bytes(bytes(range(256)) * 4096)
    images.convert(raw, image, source_format="raw", target_format="qcow2")

    with mounted_image(image, file, format_="qcow2", clock=CLOCK) as seen:
        content = seen.read_bytes()

    assert content == raw.read_bytes()
    assert not file.exists()
    assert images.check(image, format_="qcow2").is_sound


def test_image_that_cannot_be_mounted_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "view"

    with (
        pytest.raises(ImageMissing),
        mounted_image(tmp_path / "none", file, format_="qcow2", clock=CLOCK),
    ):
        pytest.fail("it was mounted")
    assert not file.exists()


def test_new_image_is_its_owners_alone(tmp_path: Path) -> None:
    image = tmp_path / "a.qcow2"

    images.create(image, MIB)

    assert image.stat().st_mode & 0o777 == 0o600


def test_image_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImageToolFailed):
        images.create(tmp_path / "a.qcow2", MIB, options=["compat=none"])

    assert list(tmp_path.iterdir()) == []
