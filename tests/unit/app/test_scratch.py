"""Scratch: made closed to others, refused where it cannot serve, and not needed for reading."""

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdfast.app import scratch
from holdfast.app.scratch import check_scratch, kind_of_place, prepare_scratch
from holdfast.app.setup_errors import ScratchFull, ScratchOnUnsupportedSystem, ScratchUnusable


def test_folder_is_made_for_us_alone_and_marked_as_a_cache(tmp_path: Path) -> None:
    folder = prepare_scratch(str(tmp_path), "ab12", warn=print, needed=True)

    assert folder == str(tmp_path / "scratch" / "ab12")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert (
        (tmp_path / "scratch" / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28")
    )


def test_unusable_scratch_stops_a_backup_and_carries_the_known_codes(tmp_path: Path) -> None:
    (tmp_path / "scratch").write_text("a file where a folder should be")

    with pytest.raises(ScratchUnusable) as caught:
        prepare_scratch(str(tmp_path), "ab12", warn=print, needed=True)

    assert {"SalVhdInitializationError", "0x1FC07"} <= set(caught.value.source_codes)


def test_unusable_scratch_only_slows_down_reading(tmp_path: Path) -> None:
    (tmp_path / "scratch").write_text("a file where a folder should be")
    warned: list[str] = []

    found = prepare_scratch(str(tmp_path), "ab12", warn=warned.append, needed=False)

    assert found is None
    assert "without caches" in warned[0]


def _room(monkeypatch: pytest.MonkeyPatch, *, free: int, whole: int) -> None:
    room = SimpleNamespace(f_bavail=free, f_blocks=whole, f_frsize=1 << 20)
    monkeypatch.setattr(os, "statvfs", lambda _folder: room)


def test_full_disk_stops_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _room(monkeypatch, free=10, whole=100_000)

    with pytest.raises(ScratchFull) as caught:
        check_scratch(str(tmp_path / "s"), warn=print)

    assert "SalLowDiskSpace" in caught.value.source_codes


def test_scarce_room_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _room(monkeypatch, free=4_000, whole=100_000)
    warned: list[str] = []

    check_scratch(str(tmp_path / "s"), warn=warned.append)

    assert any("SalLowDiskSpace" in warning and "(4%)" in warning for warning in warned)


def test_big_disk_may_be_fuller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _room(monkeypatch, free=60_000, whole=10_000_000)
    warned: list[str] = []

    check_scratch(str(tmp_path / "s"), warn=warned.append)

    assert not any("SalLowDiskSpace" in warning for warning in warned)


def test_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "kind_of_place", lambda _folder: ("nfs4", True))

    with pytest.raises(ScratchOnUnsupportedSystem, match="nfs4"):
        check_scratch(str(tmp_path / "s"), warn=print)


def test_fleeting_file_system_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "kind_of_place", lambda _folder: ("tmpfs", False))
    warned: list[str] = []

    check_scratch(str(tmp_path / "s"), warn=warned.append)

    assert any("tmpfs" in warning for warning in warned)


def test_file_system_is_found_by_the_nearest_mount() -> None:
    assert kind_of_place("/proc/self") == ("proc", False)
