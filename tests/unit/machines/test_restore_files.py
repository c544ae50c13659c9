import io
import os
import tarfile
from pathlib import Path

import pytest

from holdfast.machines.appearing import appearing_folder
from holdfast.machines.errors import DiskLayoutBroken, ImageExists
from holdfast.machines.replacement_note import (
    Note,
    Part,
    read_note,
    remove_note,
    without_stopping,
    write_note,
)
from holdfast.machines.restore_errors import ReplacementPending, RestoreRunning
from holdfast.machines.state_files import put_tpm, replace_file
from holdfast.machines.vm_state import packed

UUID = "00000000-0000-4000-8000-000000000001"


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    folder = tmp_path / "pool" / "web"

    with appearing_folder(folder) as partial:
        (partial / "vda.raw").write_bytes(b"x")
        assert not folder.exists()

    assert os.listdir(tmp_path / "pool") == ["web"]
    assert os.listdir(folder) == ["vda.raw"]


def test_a_folder_that_failed_is_not_there(tmp_path: Path) -> None:
    def fail() -> None:
        with appearing_folder(tmp_path / "web") as partial:
            (partial / "vda.raw").write_bytes(b"x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert os.listdir(tmp_path) == []


def test_what_a_killed_restore_left_is_cleared_and_one_that_works_is_not(tmp_path: Path) -> None:
    with appearing_folder(tmp_path / "web") as partial:
        with pytest.raises(RestoreRunning), appearing_folder(tmp_path / "web"):
            pass
        left = [*partial.parent.iterdir()]
    other = tmp_path / left[0].name.replace("web", "db")
    other.mkdir()
    (other / "old").write_bytes(b"x")

    with appearing_folder(tmp_path / "db") as partial:
        assert os.listdir(partial) == []

    assert sorted(os.listdir(tmp_path)) == ["db", "web"]


def test_a_folder_that_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()

    with pytest.raises(ImageExists), appearing_folder(tmp_path / "web"):
        pass

    assert os.listdir(tmp_path) == ["web"]


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "nvram.fd"
    file.write_bytes(b"old")
    file.chmod(0o640)

    replace_file(file, b"new")

    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o640)
    assert os.listdir(tmp_path) == ["nvram.fd"]


def test_a_new_file_is_for_its_owner_alone_and_follows_no_link(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"of somebody")
    (tmp_path / "nvram.fd.holdfast-partial").symlink_to(other)

    replace_file(tmp_path / "nvram.fd", b"new")

    assert (tmp_path / "nvram.fd").read_bytes() == b"new"
    assert (tmp_path / "nvram.fd").stat().st_mode & 0o777 == 0o600
    assert other.read_bytes() == b"of somebody"


def test_the_state_of_a_tpm_is_durable_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "before"
    (before / "tpm2").mkdir(parents=True)
    (before / "tpm2" / "state").write_bytes(b"secret")
    synced = set[int]()

    def sync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", sync)

    put_tpm(packed(before), tmp_path / "after", point="p")

    assert (tmp_path / "after" / "tpm2" / "state").stat().st_ino in synced
    assert (tmp_path / "after" / "tpm2").stat().st_ino in synced


def test_a_link_is_no_state_of_a_tpm(tmp_path: Path) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        link = tarfile.TarInfo("state")
        link.type, link.linkname = tarfile.SYMTYPE, "elsewhere"
        archive.addfile(link)

    with pytest.raises(DiskLayoutBroken):
        put_tpm(target.getvalue(), tmp_path / "tpm", point="p")

    assert os.listdir(tmp_path) == []


def test_the_state_of_a_tpm_goes_there_and_back(tmp_path: Path) -> None:
    before = tmp_path / "before"
    (before / "tpm2").mkdir(parents=True)
    (before / "tpm2" / "tpm2-00.permall").write_bytes(b"secret")
    content = packed(before)

    put_tpm(content, tmp_path / "after", point="p")

    assert packed(tmp_path / "after") == content
    assert sorted(os.listdir(tmp_path)) == ["after", "before"]


def test_an_archive_that_reaches_out_is_refused(tmp_path: Path) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../out"), io.BytesIO())

    with pytest.raises(DiskLayoutBroken):
        put_tpm(target.getvalue(), tmp_path / "tpm", point="p")

    assert os.listdir(tmp_path) == []


def test_a_note_is_kept_until_it_is_removed(tmp_path: Path) -> None:
    note = Note(parts=(Part(target="vda", image="/srv/vda", format="raw", size=5),))

    write_note(str(tmp_path), UUID, note)

    assert read_note(str(tmp_path), UUID) == note
    remove_note(str(tmp_path), UUID)
    assert read_note(str(tmp_path), UUID) is None


def test_a_note_that_does_not_read_is_told(tmp_path: Path) -> None:
    write_note(str(tmp_path), UUID, Note(parts=()))
    (tmp_path / "vms" / f"{UUID}.restore").write_bytes(b"{")

    with pytest.raises(ReplacementPending, match=UUID):
        read_note(str(tmp_path), UUID)


def test_what_may_not_be_stopped_ends_with_its_own_error() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    assert without_stopping(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        without_stopping(fail)
