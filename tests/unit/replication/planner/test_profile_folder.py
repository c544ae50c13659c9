"""Profiles on disk: appended, read back, and whole after a crash up to the last line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.replication.planner.machine_facts import DiskFacts, MachineFacts, Measure
from holdfast.replication.planner.profile_errors import ProfileRunning, ProfileUnreadable
from holdfast.replication.planner.profile_folder import ProfileFolder, all_profiles
from holdfast.replication.planner.samples import Dirty, Minute, Window, Written

MINUTE_LINE = Minute(
    at=1_767_268_800, seconds=60.0, peak=9, disks={"vda": Written(bytes=7, requests=2, flushes=1)}
)
WINDOW_LINE = Window(
    at=1_767_268_830, seconds=300.1, age=300, disks={"vda": Dirty(unique=3, written=7)}
)
FACTS = MachineFacts(
    uuid="u-1",
    name="web",
    host="qemu:///system",
    seen_at=datetime(2026, 1, 1, tzinfo=UTC),
    disks=(DiskFacts(target="vda", size=10, allocated=5, measure=Measure.UNIQUE),),
)


@pytest.fixture
def folder(tmp_path: Path) -> ProfileFolder:
    made = ProfileFolder(str(tmp_path), "u-1")
    with made.held("web"):
        made.keep_machine(FACTS)
    return made


def test_lines_come_back_in_order(folder: ProfileFolder) -> None:
    folder.append("web", [MINUTE_LINE])
    folder.append("web", [WINDOW_LINE, MINUTE_LINE])

    assert list(folder.lines()) == [MINUTE_LINE, WINDOW_LINE, MINUTE_LINE]


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_torn_line_costs_itself_alone(folder: ProfileFolder, cut: int) -> None:
    folder.append("web", [MINUTE_LINE, WINDOW_LINE])
    path = folder.path / "profile.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])

    folder.append("web", [MINUTE_LINE])

    # Only its line end may be what is missing.
    whole = [WINDOW_LINE] if cut == 1 else []
    assert list(folder.lines()) == [MINUTE_LINE, *whole, MINUTE_LINE]


def test_lines_of_a_newer_release_are_passed_over(folder: ProfileFolder) -> None:
    folder.append("web", [MINUTE_LINE])
    path = folder.path / "profile.jsonl"
    path.write_bytes(b'{"kind":"hour","at":1}\n\xff\xfe\n' + path.read_bytes())

    assert list(folder.lines()) == [MINUTE_LINE]


def test_a_profile_without_lines_is_empty(folder: ProfileFolder) -> None:
    assert list(folder.lines()) == []


def test_the_machine_is_kept(folder: ProfileFolder, tmp_path: Path) -> None:
    assert folder.machine() == FACTS
    assert [one.uuid for one in all_profiles(str(tmp_path))] == ["u-1"]


def test_a_damaged_description_is_told(folder: ProfileFolder) -> None:
    (folder.path / "machine.json").write_bytes(b"{")

    with pytest.raises(ProfileUnreadable):
        folder.machine()


def test_one_profile_of_a_machine_at_a_time(folder: ProfileFolder, tmp_path: Path) -> None:
    again = ProfileFolder(str(tmp_path), "u-1")

    with folder.held("web"), pytest.raises(ProfileRunning), again.held("web"):
        pass

    with folder.held("web"):
        pass


def test_checkpoints_are_remembered(folder: ProfileFolder) -> None:
    assert folder.checkpoints() == ()

    folder.keep_checkpoints("web", ("holdfast-0123456789abcdef",))

    assert folder.checkpoints() == ("holdfast-0123456789abcdef",)


def test_no_home_has_no_profiles(tmp_path: Path) -> None:
    assert all_profiles(str(tmp_path / "nowhere")) == []
