"""What is known of machines that run off a vault."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from holdfast.machines.boot_ending import end_server, remove_files
from holdfast.machines.boot_errors import (
    BootFolderUnusable,
    BootMissing,
    BootNameTaken,
    BootRecordBroken,
    ServerRuns,
    ServerStuck,
)
from holdfast.machines.boot_records import Boot, Boots, Stage
from holdfast.machines.booting import make_folder
from holdfast.testing.clock import FakeClock


def boot_of(name: str, *, uuid: str, folder: str = "/images", day: int = 1) -> Boot:
    return Boot(
        uuid=uuid,
        name=name,
        host="qemu:///system",
        vault="/srv/vault",
        point="ab" * 32,
        folder=folder,
        targets=("vda", "vdb"),
        made_at=datetime(2026, 5, day, tzinfo=UTC),
        checkpoint="holdfast-0123456789abcdef",
    )


def test_record_is_found_by_name_and_by_uuid(tmp_path: Path) -> None:
    boots = Boots(str(tmp_path))
    younger, older = boot_of("two", uuid="b", day=2), boot_of("one", uuid="a", day=1)

    boots.add(younger)
    boots.add(older)

    assert boots.all() == [older, younger]
    assert boots.find("two") == boots.find("b") == younger


def test_record_says_how_far_it_came(tmp_path: Path) -> None:
    boots, boot = Boots(str(tmp_path)), boot_of("one", uuid="a")
    boots.add(boot)

    boots.save(msgspec.structs.replace(boot, stage=Stage.RUNNING))

    known = boots.known("a")
    assert known is not None
    assert known.stage is Stage.RUNNING


def test_name_is_taken_once(tmp_path: Path) -> None:
    boots = Boots(str(tmp_path))
    boots.add(boot_of("one", uuid="a"))

    with pytest.raises(BootNameTaken):
        boots.add(boot_of("one", uuid="b"))

    assert [boot.uuid for boot in boots.all()] == ["a"]


def test_what_was_forgotten_is_missing(tmp_path: Path) -> None:
    boots = Boots(str(tmp_path))
    boots.add(boot_of("one", uuid="a"))

    boots.forget("a")

    assert boots.known("a") is None
    with pytest.raises(BootMissing):
        boots.find("one")


def test_record_that_is_just_going_hides_no_other(tmp_path: Path) -> None:
    boots = Boots(str(tmp_path))
    boots.add(boot_of("one", uuid="a"))
    # As a look meets it that came between the name and the content.
    (boots.place("b") / "boot.json").symlink_to("gone")

    assert [boot.name for boot in boots.all()] == ["one"]


def test_folder_lets_others_pass_whatever_the_umask(tmp_path: Path) -> None:
    boot = boot_of("one", uuid="a", folder=str(tmp_path / "one"))
    before = os.umask(0o077)
    try:
        make_folder(boot)
    finally:
        os.umask(before)

    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o711


def test_folder_too_deep_for_a_socket_is_not_made(tmp_path: Path) -> None:
    boot = boot_of("one", uuid="a", folder=str(tmp_path / ("x" * 120)))

    with pytest.raises(BootFolderUnusable, match="socket"):
        make_folder(boot)

    assert os.listdir(tmp_path) == []


def test_server_that_does_not_even_end_when_killed_is_told(tmp_path: Path) -> None:
    boots, boot = Boots(str(tmp_path)), boot_of("one", uuid="a")
    gone = subprocess.Popen(["true"])
    gone.wait()

    with boots.serving("a", name="one"):
        (boots.place("a") / "serve.lock").write_text(f"{gone.pid}\n")
        with pytest.raises(ServerStuck, match=str(gone.pid)):
            end_server(boots, boot, FakeClock())


def test_damaged_record_is_told_and_not_passed_over(tmp_path: Path) -> None:
    boots = Boots(str(tmp_path))
    boots.add(boot_of("one", uuid="a"))
    (boots.place("a") / "boot.json").write_bytes(b"{")

    with pytest.raises(BootRecordBroken):
        boots.all()


def test_one_process_serves_and_it_is_known_which(tmp_path: Path) -> None:
    boots = Boots(str(tmp_path))

    with boots.serving("a", name="one"):
        assert boots.server("a") == os.getpid()
        assert boots.maker("a") is None
        with pytest.raises(ServerRuns) as seen, boots.serving("a", name="one"):
            pass
    assert seen.value.fields["pid"] == os.getpid()

    assert boots.server("a") is None


def test_only_what_was_made_is_removed(tmp_path: Path) -> None:
    boot = boot_of("one", uuid="a", folder=str(tmp_path / "one"))
    Path(boot.folder).mkdir()
    for file in boot.files:
        file.touch()
    foreign = Path(boot.folder, "notes")
    foreign.touch()

    remove_files(boot)

    assert list(Path(boot.folder).iterdir()) == [foreign]


def test_folder_goes_with_the_last_of_its_files(tmp_path: Path) -> None:
    boot = boot_of("one", uuid="a", folder=str(tmp_path / "one"))
    Path(boot.folder).mkdir()
    boot.disk("vda").touch()

    remove_files(boot)

    assert not Path(boot.folder).exists()
