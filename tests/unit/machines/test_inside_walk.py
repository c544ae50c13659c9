"""What a search meets below a folder of a volume."""

import os
from pathlib import Path

from holdfast.machines.inside_walk import Walk


def below(root: Path, path: str = "") -> list[str]:
    return [os.fsdecode(one.below) for one in Walk(root, path, "vda1")]


def test_each_folder_comes_before_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "file").touch()
    (tmp_path / "b-file").touch()
    (tmp_path / "a").symlink_to("b")

    assert below(tmp_path) == ["a", "b", "b/c", "b/c/file", "b-file"]
    assert below(tmp_path, "b/c") == ["file"]
    assert below(tmp_path, "a") == []
    assert below(tmp_path, "b-file") == []


def test_folder_that_cannot_be_read_is_counted_and_the_others_are_walked(tmp_path: Path) -> None:
    """As where folders nest deeper than any path is long."""
    (tmp_path / "z").touch()
    at = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("n" * 200, dir_fd=at)
        inner = os.open("n" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(at)
    walk = Walk(tmp_path, "", "vda1")

    found = [one.name for one in walk]

    assert found[-1] == b"z"
    assert 15 < len(found) < 25
    assert walk.unread == 1
