"""The tutorials of virtual machines, typed as they stand at two hosts that have one."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.guests import Guest
from holdfast.testing.hosts import NORTH, SOUTH, KvmHost
from holdfast.testing.own_root import program_places
from holdfast.testing.typed import Shell, environment, play, read_page
from tests.e2e.test_tutorials import ROOT, TUTORIALS

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a host"),
]
# In place of the one that needs keys and a daemon; like it, it carries to a home folder.
_SCP = '#!/bin/sh\nexec cp "$1" "{hosts}/${{2%:}}/root/"\n'
# On a busy machine it may well be further behind than is good.
_LATE = ("holdfast replication status", "holdfast drill run")
# The test before may have left it in the machine: then it is there, not installed.
_FOUND = ("✓ Guest extension",)
_NAMES = f"{NORTH} north north.example\n{SOUTH} south south.example\n"


@pytest.fixture(scope="module")
def guest(own_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Guest]:
    """The machine of all these pages; each leaves it running at north."""
    guest = Guest(own_hosts[0], "web")
    try:
        guest.start()
        guest.run("mkdir -p /b/srv && echo kept >/b/srv/note && sync")
        yield guest
    finally:
        guest.remove()


@pytest.fixture
def shells(
    own_hosts: tuple[KvmHost, KvmHost], guest: Guest, tmp_path: Path
) -> Iterator[dict[str, Shell]]:
    """One at each host, by its name; a page that names none is about north."""
    (tmp_path / "scp").write_text(_SCP.format(hosts=tmp_path), encoding="utf-8")
    (tmp_path / "scp").chmod(0o755)
    with contextlib.ExitStack() as stack:
        shells = {host.name: stack.enter_context(_shell(host, tmp_path)) for host in own_hosts}
        yield {**shells, "": shells["north"]}


@contextlib.contextmanager
def _shell(host: KvmHost, folder: Path) -> Iterator[Shell]:
    """With a home and a /srv that go with the test; the other host has a name for it."""
    # In the host's own folder, whose path is short enough for sockets.
    place = Path(tempfile.mkdtemp(prefix="typed-", dir=host.folder))
    (folder / host.name).symlink_to(place)
    for name in ("root", "srv"):
        (place / name).mkdir()
    shown = _still_shown(host, place)
    host.run("mount", "--rbind", place / "srv", "/srv")
    names = host.folder / "hosts"
    before = names.read_text(encoding="utf-8")
    names.write_text(before + _NAMES, encoding="utf-8")
    seen = environment(HOME=str(place / "root"), HOLDFAST_HOME=str(place / "state"))
    seen["PATH"] = f"{folder}:{seen['PATH']}"
    try:
        with Shell(host.words("sh", "-c", "cd && exec bash"), seen) as shell:
            yield shell
    finally:
        names.write_text(before, encoding="utf-8")
        for mounted in (Path("/srv"), *shown):
            host.run("umount", "-l", mounted)
        shutil.rmtree(place)


def _still_shown(host: KvmHost, place: Path) -> list[Path]:
    """The program under test, where it lies in what the host's own /srv will hide."""
    shown = []
    for program in program_places():
        if program.is_relative_to("/srv"):
            seen = place / program.relative_to("/")
            seen.mkdir(parents=True, exist_ok=True)
            host.run("mount", "--bind", program, seen)
            shown.append(seen)
    return shown[::-1]


def test_machines(shells: dict[str, Shell]) -> None:
    steps = read_page(TUTORIALS / "machines.md")

    # Tests' machines start with a kernel of their host, of which a restore warns.
    play(steps, shells, warned=["holdfast vm restore"])

    assert len(steps) > 15


def test_protect(shells: dict[str, Shell]) -> None:
    steps = read_page(TUTORIALS / "protect.md")

    play(steps, shells, passing=_FOUND)

    assert len(steps) > 12


def test_second_host_of_the_readme(shells: dict[str, Shell]) -> None:
    after = "Another host follows them"
    steps = [step for step in read_page(ROOT / "README.md", after=after) if step.where]

    play(steps, shells, warned=_LATE, passing=["web  south"])

    assert steps[-1].typed == "holdfast drill run web"
    assert shells["north"].type("holdfast replication disable web")[0] == 0


def test_replicate_and_recover(shells: dict[str, Shell]) -> None:
    steps = [*read_page(TUTORIALS / "replicate.md"), *read_page(TUTORIALS / "recover.md")]

    play(steps, shells, warned=_LATE, passing=_FOUND)

    assert len(steps) > 30
