"""The demonstration with virtual machines, and nothing of them afterwards."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.guest_image import GuestImage
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench, Said

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(1000),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a host"),
]


@pytest.fixture
def place(bootable: GuestImage) -> Iterator[Path]:
    """For temporary files; its path is short, for the sockets in it."""
    place = Path(tempfile.mkdtemp(prefix="hf-d-"))
    yield place
    shutil.rmtree(place)


@contextlib.contextmanager
def begun(empty: Bench, place: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The demonstration; it ends with the block, whatever happens in there."""
    with empty.start("demo", *words, TMPDIR=str(place)) as process:
        try:
            yield process
        finally:
            process.kill()


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


def test_demo_brings_a_machine_back_from_the_vault_and_from_another_host(
    empty: Bench, place: Path
) -> None:
    with begun(empty, place, "--json") as process:
        out, err = process.communicate(timeout=900)
    said = Said(process.returncode, out.decode(), err.decode())
    assert said.status == 0, f"{said.out}\n{said.err}"

    shown = said.event("demo-machine")
    done = said.event("demo-done")
    assert 0 < shown["second_bytes_read"] < shown["bytes_total"]
    assert 0 < shown["seconds_to_running"] < shown["seconds_to_up"]
    assert len([proof for proof in done["proofs"] if "`holdfast vm " in proof]) == 2
    assert done["missing"] == ([] if shutil.which("restic") else done["missing"])
    moved = said.event("demo-recovery")["figures"]
    names = ("--test", "--unplanned", "reprotect", "failback")
    assert [name for name in names if not any(f"{name}`" in each for each in done["proofs"])] == []
    assert moved["unplanned_seconds_to_up"] > 0
    assert moved["reprotect_copied_bytes"] < shown["bytes_total"]
    assert (list(place.iterdir()), about(place)) == ([], [])


def test_demo_that_is_interrupted_leaves_no_machine(empty: Bench, place: Path) -> None:
    with begun(empty, place) as process:
        wait_until(lambda: any(place.glob("hf-demo-*/images/web-*/vda.qcow2")), within=240)

        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=240)

    assert process.returncode == 130, err.decode()
    assert (list(place.iterdir()), about(place)) == ([], [])


def test_demo_that_is_killed_takes_its_host_along(empty: Bench, place: Path) -> None:
    with begun(empty, place) as process:
        wait_until(lambda: any(place.glob("hf-demo-*")), within=240)

        process.kill()
        process.communicate()

    wait_until(lambda: about(place) == [] and not any(place.glob("hf-demo-*")), within=240)
