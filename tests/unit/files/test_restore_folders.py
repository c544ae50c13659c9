"""Open folders below a restore's target."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.files.restore.folders import Folders

_DEEPER_THAN_KEPT = 300


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def _no_note(_: bytes) -> None:
    """Made folders do not matter here."""


def test_a_deep_folder_stays_open_while_another_one_is_entered(root: int) -> None:
    folders = Folders(root, made=_no_note)
    deep = b"/".join([b"a"] * _DEEPER_THAN_KEPT)

    first = folders.open(b"x/" + deep, make=True)
    second = folders.open(b"y/" + deep, make=True)

    assert os.fstat(first.fd).st_nlink == os.fstat(second.fd).st_nlink
    assert not os.path.samestat(os.fstat(first.fd), os.fstat(second.fd))
    assert os.path.samestat(os.fstat(first.fd), os.fstat(folders.open(b"x/" + deep).fd))


def test_folders_on_the_way_are_opened_once(root: int) -> None:
    made: list[bytes] = []
    folders = Folders(root, made=made.append)

    folders.open(b"a/b/c", make=True)
    parent = folders.open(b"a/b")
    folders.open(b"a/b/d", make=True)

    assert made == [b"a", b"a/b", b"a/b/c", b"a/b/d"]
    assert folders.open(b"a/b") is parent


def test_a_link_on_the_way_is_not_followed(root: int, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    folders = Folders(root, made=_no_note)

    with pytest.raises(OSError, match="Not a directory"):
        folders.open(b"link/new", make=True)

    assert not (tmp_path / "elsewhere" / "new").exists()
