"""What the tutorials and the README tell people to type works, and is answered as they say."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.own_root import OwnRoot, own_root, program_places
from holdfast.testing.typed import Shell, environment, play, read_page

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]


@pytest.fixture
def root() -> Iterator[OwnRoot]:
    """A machine on which everything may be broken, and where nothing of ours was used before."""
    places = [str(place) for place in program_places()]
    with own_root(hidden=("/srv", "/backup", "/var/lib/holdfast"), kept=places) as root:
        yield root


def typed_at(root: OwnRoot) -> Shell:
    return Shell(root.words(["bash"]), environment(HOME="/root", HOLDFAST_HOME="/srv/home"))


def test_files(root: OwnRoot) -> None:
    steps = read_page(TUTORIALS / "files.md")

    with typed_at(root) as shell:
        play(steps, {"": shell})

    assert len(steps) > 20


def test_doctor(root: OwnRoot) -> None:
    steps = read_page(TUTORIALS / "doctor.md")

    with typed_at(root) as shell:
        play(steps, {"": shell})

    assert len(steps) > 15


def test_session_of_the_readme(root: OwnRoot) -> None:
    steps = read_page(ROOT / "README.md", after="A session, from an empty folder")
    (last,) = [number for number, step in enumerate(steps) if step.typed.startswith("restic")]

    with typed_at(root) as shell:
        play(steps[: last + 1], {"": shell})

    assert steps[1].typed.startswith("export")
