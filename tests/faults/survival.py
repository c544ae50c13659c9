"""What has to be true after every fault: finished points are whole, check says so, work goes on."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.protocol import Storage
from holdfast.testing.killing import HastyClock, back_up_under_lock
from holdfast.testing.vaults import PASSPHRASE, open_vault, read_all, read_point
from holdfast.vault.check import CheckOptions, check
from holdfast.vault.check_findings import CheckReport
from holdfast.vault.check_subset import Subset

Points = Mapping[str, Mapping[str, bytes]]


def stored_in(folder: Path) -> DirectoryStorage:
    return DirectoryStorage(str(folder))


def contents(source: Path) -> dict[str, bytes]:
    """The files of a source as a point has them."""
    return {str(path).strip("/"): path.read_bytes() for path in source.rglob("*") if path.is_file()}


def checked(storage: Storage) -> CheckReport:
    """All there is to check, content included."""
    vault = open_vault(storage, clock=HastyClock())
    return check(vault, CheckOptions(read=Subset(), workers=1, note=False))


def assert_points_whole(storage: Storage, before: Points) -> Points:
    """The points of before are as they were, and every other that is there can be read in full."""
    now = read_all(open_vault(storage))
    assert {point: now.get(point) for point in before} == dict(before)
    assert checked(storage).damage == ()
    return now


def assert_goes_on(
    storage: Storage,
    source: Path,
    *,
    cache: Path | None = None,
    clock: Clock | None = None,
    is_sound: bool = True,
) -> None:
    """The next backup is not blocked by what the dead left, and its point equals the source."""
    report = back_up_under_lock(storage, source, cache=cache, clock=clock)

    vault = open_vault(storage)
    assert read_point(vault, vault.load_snapshot(report.snapshot)) == contents(source)
    assert report.skipped == ()
    assert (checked(storage).damage == ()) == is_sound


def assert_restic_agrees(folder: Path) -> None:
    """Stock restic reads everything and finds no error."""
    if shutil.which("restic") is None:
        return  # the tests that are about restic are skipped then, and say so
    words = ["restic", "-r", str(folder), "--no-cache", "check", "--read-data"]
    done = subprocess.run(
        words,
        env={**os.environ, "RESTIC_PASSWORD": PASSPHRASE.reveal().decode()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no errors were found" in done.stdout, done.stdout + done.stderr


def linked_copy(original: Path, copy: Path) -> Path:
    """A copy of a vault in no time: its files are never written to, only made and removed."""
    shutil.copytree(original, copy, copy_function=os.link)
    return copy
