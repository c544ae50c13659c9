"""What stock restic wrote, we restore as restic does."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.secret import Secret
from holdfast.files.options import RestoreOptions
from holdfast.files.report import no_progress
from holdfast.files.restore.restore import restore
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.compare import differences
from holdfast.testing.trees import build_hostile_tree
from holdfast.testing.vaults import open_vault

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]


def restic(folder: Path, *words: str, cwd: Path | None = None) -> None:
    environment = {
        **os.environ,
        "RESTIC_REPOSITORY": str(folder),
        "RESTIC_PASSWORD": "secret",
        "RESTIC_CACHE_DIR": str(folder.parent / "cache"),
    }
    subprocess.run(["restic", "-q", *words], env=environment, cwd=cwd, check=True)


def test_a_point_of_restic_comes_back_as_restic_brings_it(tmp_path: Path) -> None:
    source, theirs, ours = tmp_path / "source", tmp_path / "theirs", tmp_path / "ours"
    source.mkdir()
    # restic fails on paths over PATH_MAX.
    build_hostile_tree(source, leave_out=["long-path"])
    vault = tmp_path / "vault"
    restic(vault, "init", "--repository-version", "2")
    restic(vault, "backup", ".", cwd=source)
    repository = open_vault(
        DirectoryStorage(str(vault)), passphrase=Secret(b"secret"), clock=SystemClock()
    )

    restic(vault, "restore", "latest", "--target", str(theirs))
    report = restore(
        repository,
        repository.find_snapshot("latest"),
        RestoreOptions(target=os.fsencode(ours), verify=True),
        on_progress=no_progress,
    )

    assert report.problems == []
    assert [
        line for line in differences(theirs, ours, ignore=["root"]) if "links" not in line
    ] == []
    kept = differences(source, ours, ignore=["root"], leave_out=[b"specials/socket"])
    assert [line for line in kept if not _is_not_in_the_repository(line)] == []


def _is_not_in_the_repository(line: str) -> bool:
    """restic 0.14 stores no link count of pipes, no odd link targets, no attributes of links."""
    return (
        (line.startswith("hard-links/") and "pipe" in line)
        or ": target " in line
        or line.startswith("xattrs/link: ")
    )
