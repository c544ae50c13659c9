"""The demonstration with a virtual machine, and nothing of it afterwards."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.guest_image import GuestImage
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.xdist_group("machines"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a host"),
]


@pytest.fixture
def place(bootable: GuestImage) -> Iterator[Path]:
    """For temporary files; its path is short, for the sockets in it."""
    place = Path(tempfile.mkdtemp(prefix="hf-d-"))
    yield place
    shutil.rmtree(place)


def about(place: Path) -> list[str]:
    """Processes that were started with anything in there, or that would put something there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(place) in said:
            found.append(said.decode(errors="replace"))
    return found


def test_demo_destroys_a_machine_and_brings_it_back(empty: Bench, place: Path) -> None:
    said = empty.run("demo", "--json", TMPDIR=str(place))

    shown = said.event("demo-machine")
    done = said.event("demo-done")
    assert 0 < shown["second_bytes_read"] < shown["bytes_total"]
    assert 0 < shown["seconds_to_running"] < shown["seconds_to_up"]
    assert len([proof for proof in done["proofs"] if "`holdfast vm " in proof]) == 2
    assert done["missing"] == ([] if shutil.which("restic") else done["missing"])
    assert (list(place.iterdir()), about(place)) == ([], [])


def test_demo_that_is_interrupted_leaves_no_machine(empty: Bench, place: Path) -> None:
    process = empty.start("demo", TMPDIR=str(place))
    wait_until(lambda: any(place.glob("hf-demo-*/images/web-*/vda.qcow2")), within=240)

    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=240)

    assert process.returncode == 130, err.decode()
    assert (list(place.iterdir()), about(place)) == ([], [])


def test_demo_that_is_killed_takes_its_host_along(empty: Bench, place: Path) -> None:
    process = empty.start("demo", TMPDIR=str(place))
    wait_until(lambda: any(place.glob("hf-demo-*")), within=240)

    process.kill()
    process.communicate()

    wait_until(lambda: about(place) == [], within=240)
    assert not any(place.glob("hf-demo-*"))
