"""Files of a guest's file system are copied out: whole, or with an error that says why not."""

import os
from pathlib import Path

import pytest

from holdfast.machines.errors import ImageExists, ImageUnwritable
from holdfast.machines.looking_inside import copy_out

LONGEST = "x" * 255


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    for name in (LONGEST, "-rf", "two\nlines", 'it\'s "a" $(name)'):
        (root / name).write_bytes(name.encode())
    return root


@pytest.mark.parametrize("name", [LONGEST, "-rf", "two\nlines", 'it\'s "a" $(name)'])
def test_any_name_is_copied(root: Path, tmp_path: Path, name: str) -> None:
    copied = copy_out(root, name, tmp_path / "back", volume="vda1")

    assert Path(copied.path).read_bytes() == name.encode()
    assert os.listdir(tmp_path / "back") == [name]


def test_target_that_is_a_file_or_below_one_is_told(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")

    with pytest.raises(ImageExists):
        copy_out(root, "-rf", tmp_path / "file", volume="vda1")
    with pytest.raises(ImageUnwritable):
        copy_out(root, "-rf", tmp_path / "file" / "below", volume="vda1")

    assert (tmp_path / "file").read_bytes() == b"mine"
