"""Files that arrive in pieces, over a storage that takes pieces and one that does not."""

import os
from pathlib import Path

import pytest

from holdfast.base.units import MIB
from holdfast.storage.arriving import begin
from holdfast.storage.below import BelowStorage
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import FileExists, PlaceMissing
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Entry, Storage

NAME = "data/ab/abcdef"


@pytest.fixture(params=["directory", "memory", "below"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    directory = DirectoryStorage(str(tmp_path))
    kinds: dict[str, Storage] = {
        "directory": directory,
        "memory": MemoryStorage(),
        "below": BelowStorage(directory, "machine"),
    }
    return kinds[request.param]


@pytest.mark.parametrize(
    "cuts", [[], [0], [5], [MIB], [MIB, MIB], [MIB - 1, 2, 3 * MIB], [70_000] * 40]
)
def test_the_pieces_make_the_file(storage: Storage, cuts: list[int]) -> None:
    pieces = [os.urandom(size) for size in cuts]

    arrival = begin(storage, NAME)
    for piece in pieces:
        arrival.write(piece)
    seen_before = list(storage.list(""))
    arrival.commit()
    arrival.abort()

    assert seen_before == []
    assert storage.get(NAME) == b"".join(pieces)
    assert list(storage.list("")) == [Entry(NAME, sum(cuts))]


def test_an_aborted_arrival_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    arrival = begin(storage, NAME)
    arrival.write(b"x" * (2 * MIB))

    arrival.abort()
    arrival.abort()

    assert list(storage.list("")) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_arrival_never_replaces(storage: Storage, tmp_path: Path) -> None:
    storage.put(NAME, b"first")
    arrival = begin(storage, NAME)
    arrival.write(b"second")

    with pytest.raises(FileExists):
        arrival.commit()
    arrival.abort()

    assert storage.get(NAME) == b"first"
    assert not list(tmp_path.rglob("*-tmp-*"))


def test_a_root_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(PlaceMissing):
        begin(DirectoryStorage(str(tmp_path / "gone")), NAME)

    assert not (tmp_path / "gone").exists()
