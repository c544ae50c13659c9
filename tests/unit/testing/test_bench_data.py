"""The bench's data: the same at each run, changed by the wanted part, and put back."""

import os
from pathlib import Path

import pytest

from bench import changes, content, datasets, reading
from holdfast.testing.compare import differences

SCALE = 0.001
MADE_NOW = {"mtime", "folder-mtime"}


@pytest.fixture(autouse=True)
def _small_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """A big pool only makes long texts less alike; here it would only take time."""
    monkeypatch.setattr(content.Well.__init__, "__kwdefaults__", {"pool_size": 1 << 18})


@pytest.mark.parametrize("name", list(datasets.BUILDERS))
def test_same_scale_makes_the_same_bytes(name: str, tmp_path: Path) -> None:
    for copy in ("one", "two"):
        datasets.prepare(tmp_path / copy, name, SCALE)

    one, two = tmp_path / "one" / name, tmp_path / "two" / name
    assert differences(one, two, ignore=MADE_NOW, also={"holes"}) == []


def test_mixed_tree_has_the_promised_files_and_size(tmp_path: Path) -> None:
    root = datasets.prepare(tmp_path, "mixed", 0.005)

    count = sum(len(names) for _, _, names in os.walk(root))
    assert count == 590 + 5  # 118 k, and the big files
    assert pytest.approx(reading.size_of(root), rel=0.25) == 2.9e9 * 0.005


def test_image_has_holes_and_its_full_size(tmp_path: Path) -> None:
    image = datasets.prepare(tmp_path, "image", 0.02) / changes.IMAGE_NAME

    status = image.stat()
    assert status.st_size == round(4096 * (1 << 20) * 0.02) // 4096 * 4096
    assert status.st_blocks * 512 < status.st_size


def test_kept_data_is_used_again_until_the_scale_changes(tmp_path: Path) -> None:
    root = datasets.prepare(tmp_path, "tiny", SCALE)
    (root / "witness").touch()

    datasets.prepare(tmp_path, "tiny", SCALE)
    kept = (root / "witness").exists()
    datasets.prepare(tmp_path, "tiny", 2 * SCALE)

    assert kept
    assert not (root / "witness").exists()


@pytest.mark.parametrize("name", list(datasets.BUILDERS))
def test_stacked_changes_are_undone_without_a_trace(name: str, tmp_path: Path) -> None:
    before = datasets.prepare(tmp_path / "before", name, SCALE)
    after = datasets.prepare(tmp_path / "after", name, SCALE)
    keeps = [tmp_path / f"keep-{seed}" for seed in range(20)]

    for seed, keep in enumerate(keeps):
        changes.Change(after, keep, seed).apply()
    changed = differences(before, after, ignore=MADE_NOW)
    for keep in reversed(keeps):
        changes.undo(after, keep)

    assert changed
    assert differences(before, after, ignore=MADE_NOW) == []


def test_one_percent_of_the_files_is_touched(tmp_path: Path) -> None:
    before = datasets.prepare(tmp_path / "before", "tiny", 0.01)
    after = datasets.prepare(tmp_path / "after", "tiny", 0.01)

    changes.Change(after, tmp_path / "keep", 1).apply()

    lines = differences(before, after, ignore={"mtime", "folder-mtime", "content"})
    assert len(lines) == 20  # of 2000 files


def test_random_reads_compare_what_they_read(tmp_path: Path) -> None:
    source = datasets.prepare(tmp_path / "source", "tiny", SCALE)
    mounted = datasets.prepare(tmp_path / "mounted", "tiny", SCALE)
    for path, _ in reading._files(mounted):
        Path(path).write_bytes(b"x" * 5000)

    assert reading.read_at_random(source, source, 1) > 0
    with pytest.raises(AssertionError, match="reads differently"):
        reading.read_at_random(source, mounted, 1)
