"""Going to a folder however deep it lies, and listing it."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.files.backup.messages import NO_RECORD, FolderTask
from holdfast.files.backup.settings import WorkerSettings
from holdfast.files.backup.walk import Listing, enter, list_folder
from holdfast.files.excludes import Rules
from holdfast.testing.backups import later
from holdfast.testing.hostile_names import LONG_STEP, LONG_STEPS, build_long_path
from holdfast.testing.plot import Plot


@pytest.fixture(autouse=True)
def _stay() -> Iterator[None]:
    """Workers move about; this process comes back."""
    here = os.getcwd()
    yield
    os.chdir(here)


def settings(rules: dict[bytes, Rules] | None = None, **fields: object) -> WorkerSettings:
    plain: dict[str, object] = {
        "force": False,
        "trust_cache": True,
        "larger_than": None,
        "caches": True,
        "ignore_names": (),
        "rules": rules or {},
        "one_file_system": False,
        "closed_devices": frozenset(),
        "clock": later(),
    }
    return WorkerSettings(**{**plain, **fields})  # type: ignore[arg-type]  # spelled out above


def listed(path: Path, wanted: WorkerSettings, names: list[bytes] | None = None) -> Listing:
    enter(os.fsencode(path))
    task = FolderTask(
        1, os.fsencode(path), os.fsencode(path), NO_RECORD, path.stat().st_dev, (), names
    )
    return list_folder(task, wanted, _never)


def _never(name: bytes, err: OSError) -> None:
    pytest.fail(f"{name!r}: {err}")


def test_a_path_longer_than_the_kernel_takes_is_entered(tmp_path: Path) -> None:
    build_long_path(Plot(tmp_path / "long"))
    path = os.path.join(os.fsencode(tmp_path), b"long", *[LONG_STEP] * LONG_STEPS)
    assert len(path) > 4096

    enter(path)

    assert sorted(os.listdir(b".")) == [b"file", b"link"]


@pytest.mark.parametrize("kind", ["file", "link", "nothing"])
def test_only_folders_are_entered(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "file":
        path.touch()
    elif kind == "link":
        path.symlink_to(tmp_path)

    with pytest.raises(OSError, match=r"Not a directory|No such file"):
        enter(os.fsencode(path))


def test_entries_come_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    names = [b"b", b"\xff", b"B", "é".encode(), b"a b"]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):
            pass

    listing = listed(tmp_path, settings())

    assert [name for name, _ in listing.entries] == sorted(names)


def test_what_vanishes_after_it_was_listed_is_told(tmp_path: Path) -> None:
    told: list[tuple[bytes, int | None]] = []
    enter(os.fsencode(tmp_path))
    task = FolderTask(1, b"/x", b"/x", NO_RECORD, 1, (), [b"gone"])

    listing = list_folder(task, settings(), lambda name, err: told.append((name, err.errno)))

    assert (listing.entries, told) == ([], [(b"gone", errno.ENOENT)])


def test_the_rules_of_a_root_hold_below_it_only(tmp_path: Path) -> None:
    for name in ("one", "one-more"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.tmp").touch()
    root = os.fsencode(tmp_path / "one")
    wanted = settings({root: Rules().with_patterns(["*.tmp"], root)})

    inside, beside = listed(tmp_path / "one", wanted), listed(tmp_path / "one-more", wanted)

    assert [len(listing.entries) for listing in (inside, beside)] == [0, 1]


def test_named_entries_are_not_excluded(tmp_path: Path) -> None:
    """A file that was asked for by name is wanted, whatever the patterns say."""
    (tmp_path / "a.tmp").touch()
    root = os.fsencode(tmp_path)
    wanted = settings({root: Rules().with_patterns(["*.tmp"], root)})

    listing = listed(tmp_path, wanted, [b"a.tmp"])

    assert [name for name, _ in listing.entries] == [b"a.tmp"]


def test_ignore_files_are_carried_to_the_folders_below(tmp_path: Path) -> None:
    (tmp_path / ".ignore").write_bytes(b"caf\xe9\n/top\n")

    listing = listed(tmp_path, settings(ignore_names=(".ignore",)))

    root = os.fsencode(tmp_path)
    assert listing.rules == (root + b"/**/caf\xe9", root + b"/top")


def test_an_ignore_file_without_end_is_none(tmp_path: Path) -> None:
    (tmp_path / ".ignore").write_bytes(b"*\n" * (1 << 20))

    listing = listed(tmp_path, settings(ignore_names=(".ignore",)))

    assert listing.rules == ()
    assert len(listing.entries) == 1


def test_folders_of_closed_devices_stay_empty(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    device = tmp_path.stat().st_dev
    enter(os.fsencode(tmp_path))
    task = FolderTask(1, b"/x", b"/x", NO_RECORD, device + 1, ())

    closed = list_folder(task, settings(closed_devices=frozenset({device})), _never).closed
    one_file_system = list_folder(task, settings(one_file_system=True), _never).closed
    plain = list_folder(task, settings(), _never).closed

    assert [set(closed), set(one_file_system), set(plain)] == [{b"folder"}, {b"folder"}, set()]
