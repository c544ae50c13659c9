"""The scratch folder moves as a whole, is missed when it was moved by hand, and takes nothing along."""

import os
import shutil
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.scratch import prepare_scratch
from holdfast.app.scratch_moving import Moved, move_scratch
from holdfast.app.scratch_place import ScratchPlace, scratch_folder, scratch_place, set_place
from holdfast.app.setup_errors import ScratchMoved, ScratchNotMoved
from holdfast.app.wiring import Session


class Place:
    def __init__(self, root: Path) -> None:
        self.home, self.target = root / "home", root / "other" / "scratch"
        self.warnings: list[str] = []
        (self.home / "scratch" / "ab").mkdir(parents=True)
        (self.home / "scratch" / "ab" / "index").write_bytes(b"cache" * 1000)
        (root / "other").mkdir()

    def move(self, target: Path | None = None) -> Moved:
        settings = Settings(home=str(self.home))
        session = Session(settings=settings, warn=self.warnings.append)
        return move_scratch(session, str(target or self.target))

    def prepare(self, *, needed: bool = True) -> str | None:
        return prepare_scratch(str(self.home), "ab", warn=self.warnings.append, needed=needed)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_everything_is_there_afterwards_and_the_old_folder_is_gone(place: Place) -> None:
    done = place.move()

    assert (place.target / "ab" / "index").read_bytes() == b"cache" * 1000
    assert not (place.home / "scratch").exists()
    assert place.prepare() == str(place.target / "ab")
    assert done.bytes >= 5000


def test_it_moves_on_and_back_home(place: Place, tmp_path: Path) -> None:
    place.move()

    place.move(tmp_path / "third")
    place.move(place.home / "scratch")

    assert scratch_folder(str(place.home)) == str(place.home / "scratch")
    assert (place.home / "scratch" / "ab" / "index").exists()
    assert not place.target.exists()


def test_folder_moved_by_hand_is_missed(place: Place, tmp_path: Path) -> None:
    place.move()
    shutil.move(place.target, tmp_path / "elsewhere")

    with pytest.raises(ScratchMoved) as missed:
        place.prepare()

    assert "0x1FC07" in missed.value.source_codes
    assert place.prepare(needed=False) is None
    assert not place.target.exists()


def test_what_was_moved_by_hand_can_be_made_the_place(place: Place, tmp_path: Path) -> None:
    place.move()
    shutil.move(place.target, tmp_path / "elsewhere")

    place.move(tmp_path / "elsewhere")

    assert place.prepare() == str(tmp_path / "elsewhere" / "ab")
    assert (tmp_path / "elsewhere" / "ab" / "index").exists()


def test_lost_folder_can_be_made_anew_and_foreign_files_in_its_place_stay(
    place: Place, tmp_path: Path
) -> None:
    place.move()
    shutil.rmtree(place.target)
    place.target.mkdir()
    (place.target / "letter").write_text("mine")

    place.move(tmp_path / "new")

    assert (place.target / "letter").read_text() == "mine"
    assert place.prepare() == str(tmp_path / "new" / "ab")


def test_folder_with_other_files_is_refused(place: Place) -> None:
    place.target.mkdir()
    (place.target / "letter").write_text("mine")

    with pytest.raises(ScratchNotMoved, match="empty"):
        place.move()

    assert scratch_folder(str(place.home)) == str(place.home / "scratch")


@pytest.mark.parametrize("inside", ["scratch/ab/deeper", "."])
def test_one_inside_the_other_is_refused(place: Place, inside: str) -> None:
    with pytest.raises(ScratchNotMoved):
        place.move(place.home / inside)


def test_move_that_died_behind_the_switch_is_finished(place: Place) -> None:
    shutil.copytree(place.home / "scratch", place.target)
    (place.target / ".holdfast-scratch").write_text("abc\n")
    former = str(place.home / "scratch")
    set_place(str(place.home), ScratchPlace(folder=str(place.target), mark="abc", former=former))

    assert place.prepare() == str(place.target / "ab")
    place.move()

    assert not os.path.exists(former)
    assert scratch_place(str(place.home)).former is None


def test_move_that_died_before_the_switch_begins_again(place: Place) -> None:
    place.target.mkdir()
    (place.target / ".holdfast-scratch").write_text("abc\n")
    (place.target / "ab").mkdir()
    (place.target / "ab" / "index").write_bytes(b"half")

    assert place.prepare() == str(place.home / "scratch" / "ab")
    place.move()

    assert (place.target / "ab" / "index").read_bytes() == b"cache" * 1000
