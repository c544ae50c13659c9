"""What must hold of a folder before something is mounted on it."""

import os
from pathlib import Path

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.files.mount import place
from holdfast.files.mount.errors import (
    FuseDenied,
    FuseDeviceMissing,
    MountpointBusy,
    MountpointMissing,
    MountpointNotEmpty,
)


def silent(_: str) -> None:
    """Tell nobody."""


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MountpointMissing) as seen:
        place._require_empty_folder(os.fsencode(tmp_path / "gone"))

    assert str(tmp_path / "gone") in seen.value.advice


def test_a_file_is_no_place_to_mount(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(MountpointMissing):
        place._require_empty_folder(os.fsencode(tmp_path / "file"))


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(MountpointNotEmpty):
        place._require_empty_folder(os.fsencode(tmp_path))


def test_an_empty_folder_is_fine(tmp_path: Path) -> None:
    place._require_empty_folder(os.fsencode(tmp_path))


@pytest.mark.skipif(not os.path.exists(place.DEVICE), reason="this machine has no FUSE")
def test_a_folder_that_holds_a_file_system_is_busy() -> None:
    with pytest.raises(MountpointBusy, match="proc"):
        place.prepare(b"/proc", allow_other=False, warn=silent)


def test_a_missing_device_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FuseDeviceMissing) as seen:
        place._require_device(str(tmp_path / "fuse"))

    assert "modprobe fuse" in seen.value.advice


def test_a_device_that_cannot_be_opened_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FuseDenied):
        place._require_device(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "allowed"), [("user_allow_other\n", True), ("#user_allow_other\n", False)]
)
def test_only_a_line_of_its_own_lets_others_in(tmp_path: Path, text: str, allowed: bool) -> None:
    (tmp_path / "fuse.conf").write_text(text, encoding="utf-8")

    assert place._others_allowed(str(tmp_path / "fuse.conf")) is allowed


def test_the_mount_table_is_read_with_its_escapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_bytes(b"36 35 98:0 / /mnt/with\\040blank rw - fuse.holdfast holdfast:1 ro\n")
    monkeypatch.setattr(place, "_MOUNTS", str(table))

    assert place.mounted_kind(b"/mnt/with blank") == "fuse.holdfast"
    assert place.mounted_kind(b"/mnt/with") is None


def test_every_error_says_what_to_do() -> None:
    codes = [code for code in HoldfastError.registry if code.startswith(("fuse-", "mount"))]

    assert len(codes) >= 11
    assert all(HoldfastError.registry[code].remedy.endswith(".") for code in codes)
