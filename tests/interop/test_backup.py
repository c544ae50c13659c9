"""Stock restic checks, reads and restores what our backups wrote, and goes on from there."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from holdfast.testing.backups import BackupBench
from holdfast.testing.compare import Aspect, differences
from holdfast.testing.trees import build_hostile_tree, build_small_tree, change_tree
from holdfast.testing.vaults import PASSPHRASE

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine"),
]

MIB = 1 << 20
# All that restic 0.14 does not bring back; our points have it. Paths over 4096 bytes it cannot read.
LOST_BY_RESTIC = {
    # It links files only.
    *(f"hard-links/{name}: links" for name in ("here/link", "here/link-again", "there/link")),
    *(f"hard-links/{name}: links" for name in ("here/pipe", "here/pipe-again", "there/pipe")),
    # It knows targets as text only; later versions read them from where we put them.
    "names/as-link: target",
    "symlinks/not-utf-8: target",
    "specials/socket: only",
    # It follows a link to set its attributes.
    "xattrs/file: xattrs",
    "xattrs/link: xattrs",
}


class Restic:
    """Stock restic on a bench's vault."""

    def __init__(self, bench: BackupBench) -> None:
        self._environment = {
            **os.environ,
            "RESTIC_REPOSITORY": str(bench.vault),
            "RESTIC_PASSWORD": PASSPHRASE.reveal().decode(),
            "RESTIC_CACHE_DIR": str(bench.root / "restic-cache"),
        }

    def __call__(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            ["restic", *words], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def bench(tmp_path: Path) -> BackupBench:
    return BackupBench(root=tmp_path, workers=2)


@pytest.fixture
def restic(bench: BackupBench) -> Restic:
    return Restic(bench)


def test_restic_finds_nothing_wrong_with_a_vault_of_hostile_trees(
    bench: BackupBench, restic: Restic
) -> None:
    build_hostile_tree(bench.source / "hostile")
    build_small_tree(bench.source / "small", 1)
    bench.back_up()
    change_tree(bench.source / "small", 2, 0.2)
    bench.back_up()

    said = restic("check", "--read-data")

    assert "no errors were found" in said


def test_restic_restores_a_hostile_tree(bench: BackupBench, restic: Restic) -> None:
    build_hostile_tree(bench.source)
    bench.back_up()
    target = bench.root / "target"

    restic("restore", "latest", "--target", str(target), "--exclude", "long-path")

    restored = Path(f"{target}{bench.source}")
    lost = differences(bench.source, restored, leave_out=[b"long-path"])
    assert set(map(_what, lost)) == LOST_BY_RESTIC


def _what(line: str) -> str:
    """The path and the aspect of a difference, hostile names aside."""
    path, _, rest = line.partition(": ")
    path = "names/as-link" if path.startswith("names/as-link/") else path
    return f"{path}: {rest.split()[0]}"


def test_restic_restores_files_in_pieces_and_makes_holes(
    bench: BackupBench, restic: Restic
) -> None:
    (bench.source / "noise").write_bytes(random.Random(1).randbytes(3 * MIB))
    path = bench.write("image", b"")
    with path.open("wb") as out:
        out.truncate(200 * MIB)
        for place in (0, 60 * MIB, 128 * MIB - 5, 199 * MIB):
            out.seek(place)
            out.write(random.Random(place).randbytes(100_000))
    bench.back_up()
    target = bench.root / "target"

    # Since 0.15 restic makes holes, in files that have a certain blob of zeros.
    can_make_holes = "--sparse" in restic("restore", "--help")
    restic("restore", "latest", "--target", str(target), *["--sparse"] * can_make_holes)

    restored = Path(f"{target}{bench.source}")
    assert differences(bench.source, restored, ignore=[Aspect.ROOT]) == []
    assert not can_make_holes or (restored / "image").stat().st_blocks * 512 < 40 * MIB


def test_the_list_of_what_was_left_out_is_a_file_to_restic(
    bench: BackupBench, restic: Restic
) -> None:
    os.setxattr(os.fsencode(bench.write("file")), b"user.\xff", b"")
    bench.back_up()

    listed = restic("dump", "latest", "/.holdfast/skipped.jsonl")

    assert '"code": "unsupported"' in listed
    assert "no errors were found" in restic("check", "--read-data")


def test_restic_backs_up_after_us_and_adds_no_content(bench: BackupBench, restic: Restic) -> None:
    for number in range(30):
        bench.write(f"folder-{number % 3}/{number}", b"%d" % number * 1000)
    bench.back_up()

    said = restic("backup", "--host", "alpha", str(bench.source), "-v")

    assert "data blobs" not in said or "Data Blobs:       0 new" in said
    assert "no errors were found" in restic("check", "--read-data")
    assert bench.back_up().summary.data_blobs == 0


def test_restic_prunes_and_we_go_on(bench: BackupBench, restic: Restic) -> None:
    """Our cache knows packs and index files that are gone; nothing it says may be believed then."""
    build_small_tree(bench.source, 3, files=100)
    bench.back_up()
    change_tree(bench.source, 4, 0.6)
    bench.clock.sleep(60)
    bench.back_up()
    restic("forget", "--keep-last", "1", "--group-by", "", "--prune", "--max-unused", "0")

    report = bench.back_up()

    assert bench.differences(report) == []
    assert report.summary.data_blobs == 0
    assert "no errors were found" in restic("check", "--read-data")


def test_restic_lists_what_a_point_holds(bench: BackupBench, restic: Restic) -> None:
    bench.write("deep/er/file")
    (bench.source / "link").symlink_to("deep")
    bench.back_up()

    listed = restic("ls", "latest").splitlines()

    for path in ("deep", "deep/er", "deep/er/file", "link"):
        assert f"{bench.source}/{path}" in listed
