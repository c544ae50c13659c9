"""A file system that is not of one instant is told from one a power cut has left."""

import subprocess
from pathlib import Path

import pytest

from holdfast.testing.sound_file_system import FileSystemBroken, require_sound_file_system

pytestmark = [pytest.mark.real]
_SIZE = 8 << 20


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """With some folders in it, and room behind it as on a guest's disk."""
    tree, raw = tmp_path / "tree", tmp_path / "raw"
    for number in range(40):
        (tree / f"folder{number}").mkdir(parents=True)
        (tree / f"folder{number}" / "file").write_bytes(bytes([number]) * 5000)
    with raw.open("wb") as made:
        made.truncate(2 * _SIZE)
    words = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(tree), str(raw), f"{_SIZE // 1024}k"]
    subprocess.run(words, check=True)
    return raw


def test_one_that_is_sound_passes(raw: Path) -> None:
    require_sound_file_system(raw)


def test_one_whose_halves_are_of_two_instants_does_not(raw: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    with empty.open("wb") as made:
        made.truncate(_SIZE)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", empty], check=True)
    content = bytearray(raw.read_bytes())
    content[_SIZE // 16 : _SIZE] = empty.read_bytes()[_SIZE // 16 :]
    raw.write_bytes(content)

    with pytest.raises(FileSystemBroken):
        require_sound_file_system(raw)
