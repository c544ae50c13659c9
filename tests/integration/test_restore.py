"""Restores of real trees to a real file system: everything comes back, nothing else is touched."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.files.options import Overwrite, RestoreOptions
from holdfast.files.report import RestoreReport, SkipReason, no_progress
from holdfast.files.restore.errors import SubpathMissing, TargetUnusable
from holdfast.files.restore.messages import Batch, FolderTask, Kind, VerifyTask
from holdfast.files.restore.policy import Protected, Selection
from holdfast.files.restore.restore import restore
from holdfast.files.restore.worker import Worker
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.capture import capture
from holdfast.testing.compare import differences
from holdfast.testing.trees import build_hostile_tree, build_small_tree
from holdfast.testing.vaults import add_point, blob_of, open_vault, small_vault
from holdfast.vault.blob_index import BlobIndex, Location
from holdfast.vault.index_cache import fill, in_memory, index_sizes
from holdfast.vault.index_table import TableWriter
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Kind as BlobKind
from holdfast.vault.pack_writer import PackWriter
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot, SnapshotFile
from holdfast.vault.tree import Node, encode_tree

KIB, MIB = 1 << 10, 1 << 20
FOLDER_BIT = 1 << 31
WHEN = "2024-01-02T03:04:05Z"

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def vault() -> Repository:
    return small_vault()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "target"
    # pytest cannot remove paths longer than PATH_MAX; this can.
    shutil.rmtree(tmp_path / "target", ignore_errors=True)


def run(vault: Repository, point: Snapshot, target: Path, **asked: Any) -> RestoreReport:
    options = RestoreOptions(target=os.fsencode(target), **asked)
    return restore(vault, point, options, on_progress=no_progress)


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


# All there is


@root_only
@pytest.mark.slow
def test_a_hostile_tree_comes_back_in_every_attribute(
    vault: Repository, source: Path, target: Path
) -> None:
    build_hostile_tree(source)
    point = capture(vault, source)

    report = run(vault, point, target, verify=True)

    assert report.problems == []
    assert differences(source, target, ignore=["root"], leave_out=[b"specials/socket"]) == []
    assert report.bytes_verified == report.bytes_total


@root_only
@pytest.mark.slow
def test_a_second_restore_touches_nothing(vault: Repository, source: Path, target: Path) -> None:
    build_hostile_tree(source, leave_out=["long-path", "symlinks"])
    point = capture(vault, source)
    run(vault, point, target)
    before = {path: path.lstat().st_ctime_ns for path in target.rglob("*") if path.is_file()}

    report = run(vault, point, target)

    assert report.problems == []
    assert report.bytes_written == 0
    assert report.files_unchanged == report.files
    after = {path: path.lstat().st_ctime_ns for path in before}
    assert [path for path in before if before[path] != after[path]] == []


def test_zeros_come_back_as_holes(vault: Repository, source: Path, target: Path) -> None:
    (source / "disk").write_bytes(b"x" * KIB + bytes(8 * MIB) + b"y")
    point = capture(vault, source)

    run(vault, point, target)

    assert (target / "disk").read_bytes() == (source / "disk").read_bytes()
    assert (target / "disk").stat().st_blocks * 512 < MIB


def test_zeros_are_allocated_when_holes_are_not_wanted(
    vault: Repository, source: Path, target: Path
) -> None:
    (source / "disk").write_bytes(bytes(8 * MIB))
    point = capture(vault, source)

    run(vault, point, target, sparse=False)

    assert (target / "disk").stat().st_blocks * 512 >= 8 * MIB


@pytest.mark.slow
def test_a_long_file_is_filled_by_all_workers(
    vault: Repository, source: Path, target: Path
) -> None:
    (source / "image").write_bytes(os.urandom(40 * MIB) + b"end")
    os.utime(source / "image", ns=(5, 5))
    point = capture(vault, source)

    report = run(vault, point, target)

    assert differences(source, target, ignore=["root"]) == []
    assert report.bytes_written == 40 * MIB + 3


def test_a_large_folder_is_shared_out(vault: Repository, target: Path) -> None:
    files = {f"srv/{number}": b"%d" % (number % 7) for number in range(9000)}
    point = add_point(vault, files)

    report = run(vault, point, target)

    assert report.files == 9000
    assert contents(target) == files


def test_a_heavy_folder_is_cut_and_each_part_verified_once(
    vault: Repository, source: Path, target: Path
) -> None:
    for number in range(5):
        with (source / f"file{number}").open("wb") as holes:
            holes.truncate(30 * MIB)
            holes.write(bytes([number]))
    point = capture(vault, source)

    report = run(vault, point, target, verify=True)

    assert report.problems == []
    assert report.files == 5
    assert report.bytes_verified == report.bytes_total == 150 * MIB
    assert differences(source, target, ignore=["root"]) == []


class FarStorage(MemoryStorage):
    """One that rewards several requests at once, as object stores do."""

    parallel = 8


def test_a_far_storage_is_read_ahead(source: Path, target: Path) -> None:
    vault = small_vault(FarStorage())
    build_small_tree(source, 4, files=200, mean_size=30_000)
    (source / "image").write_bytes(os.urandom(20 * MIB))
    point = capture(vault, source)

    report = run(vault, point, target, verify=True)

    assert report.problems == []
    assert differences(source, target, ignore=["root"]) == []


# In place


def test_only_what_differs_is_written(vault: Repository, source: Path, target: Path) -> None:
    (source / "image").write_bytes(os.urandom(4 * MIB))
    point = capture(vault, source, chunk=256 * KIB)
    shutil.copytree(source, target)
    with open(target / "image", "r+b") as image:
        image.seek(MIB + 5)
        image.write(b"changed")
    inode = (target / "image").stat().st_ino

    report = run(vault, point, target)

    assert report.bytes_written == 256 * KIB
    assert (target / "image").stat().st_ino == inode
    assert differences(source, target, ignore=["root"]) == []


def test_equal_size_and_time_do_not_hide_other_content(
    vault: Repository, source: Path, target: Path
) -> None:
    (source / "file").write_bytes(b"right")
    os.utime(source / "file", ns=(7, 7))
    point = capture(vault, source)
    target.mkdir()
    (target / "file").write_bytes(b"wrong")
    os.utime(target / "file", ns=(7, 7))

    run(vault, point, target)

    assert (target / "file").read_bytes() == b"right"


@pytest.mark.parametrize(
    ("overwrite", "age", "expected"),
    [
        (Overwrite.NEVER, -1, b"mine"),
        (Overwrite.NEWER, +1, b"mine"),
        (Overwrite.NEWER, -1, b"the point's"),
        (Overwrite.CHANGED, +1, b"the point's"),
        (Overwrite.ALWAYS, +1, b"the point's"),
    ],
)
def test_files_that_are_there_are_treated_as_asked(
    vault: Repository, source: Path, target: Path, overwrite: Overwrite, age: int, expected: bytes
) -> None:
    (source / "file").write_bytes(b"the point's")
    os.utime(source / "file", ns=(100, 100))
    point = capture(vault, source)
    target.mkdir()
    (target / "file").write_bytes(b"mine")
    os.utime(target / "file", ns=(100 + age, 100 + age))

    report = run(vault, point, target, overwrite=overwrite, verify=True)

    assert (target / "file").read_bytes() == expected
    assert report.problems == []


def test_extras_go_only_where_the_point_saw_everything(vault: Repository, target: Path) -> None:
    point = add_point(vault, {"srv/www/page": b"page"}, paths=["/srv/www"])
    for name in ("other", "srv/other", "srv/www/extra", "srv/www/deep/er/extra"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(b"x")

    report = run(vault, point, target, delete=True)

    assert sorted(contents(target)) == ["other", "srv/other", "srv/www/page"]
    assert report.deleted == 2
    assert report.problems == []


def test_extras_that_are_excluded_stay(vault: Repository, target: Path) -> None:
    point = add_point(vault, {"srv/page": b"page"})
    for name in ("srv/keep.log", "srv/gone", "srv/deep/keep.log", "srv/deep/gone"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(b"x")

    run(vault, point, target, delete=True, exclude=("*.log",))

    assert sorted(contents(target)) == ["srv/deep/keep.log", "srv/keep.log", "srv/page"]


def test_a_full_folder_in_place_of_a_file_is_reported_not_removed(
    vault: Repository, target: Path
) -> None:
    point = add_point(vault, {"srv/name": b"file", "srv/other": b"other"})
    (target / "srv/name").mkdir(parents=True)
    (target / "srv/name/precious").write_bytes(b"x")

    report = run(vault, point, target)

    assert contents(target) == {"srv/name/precious": b"x", "srv/other": b"other"}
    assert [problem.path for problem in report.problems] == [b"/srv/name"]


def test_with_delete_a_file_replaces_a_full_folder(vault: Repository, target: Path) -> None:
    point = add_point(vault, {"srv/name": b"file"})
    (target / "srv/name/deep").mkdir(parents=True)
    (target / "srv/name/deep/extra").write_bytes(b"x")

    report = run(vault, point, target, delete=True)

    assert contents(target) == {"srv/name": b"file"}
    assert report.problems == []


def test_a_folder_replaces_a_file(vault: Repository, target: Path) -> None:
    point = add_point(vault, {"srv/name/inside": b"file"})
    (target / "srv").mkdir(parents=True)
    (target / "srv/name").write_bytes(b"x")

    run(vault, point, target)

    assert contents(target) == {"srv/name/inside": b"file"}


# Attacks


def test_a_link_in_place_of_a_folder_is_not_followed(
    vault: Repository, tmp_path: Path, target: Path
) -> None:
    point = add_point(vault, {"srv/sub/file": b"from the point"})
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "srv").mkdir(parents=True)
    (target / "srv/sub").symlink_to(outside)

    run(vault, point, target)

    assert list(outside.iterdir()) == []
    assert contents(target) == {"srv/sub/file": b"from the point"}


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("overwrite", [Overwrite.CHANGED, Overwrite.ALWAYS])
@pytest.mark.parametrize("size", [10, 600 * KIB])
def test_a_link_in_place_of_a_file_is_not_written_through(
    vault: Repository,
    tmp_path: Path,
    target: Path,
    link: Any,
    overwrite: Overwrite,
    size: int,
) -> None:
    point = add_point(vault, {"srv/file": b"x" * size}, chunk=256 * KIB)
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    outside.chmod(0o600)
    (target / "srv").mkdir(parents=True)
    link(outside, target / "srv/file")

    report = run(vault, point, target, overwrite=overwrite)

    assert report.problems == [] or os.geteuid() != 0
    assert outside.read_bytes() == b"precious"
    assert outside.stat().st_mode & 0o777 == 0o600
    assert (target / "srv/file").read_bytes() == b"x" * size


@pytest.mark.parametrize("size", [10, 600 * KIB])
def test_a_foreign_name_in_place_of_one_of_several_names_is_not_written_through(
    vault: Repository, source: Path, tmp_path: Path, target: Path, size: int
) -> None:
    (source / "one").write_bytes(b"x" * size)
    os.link(source / "one", source / "two")
    point = capture(vault, source)
    (tmp_path / "outside").write_bytes(b"precious")
    target.mkdir()
    os.link(tmp_path / "outside", target / "one")

    run(vault, point, target)

    assert (tmp_path / "outside").read_bytes() == b"precious"
    assert differences(source, target, ignore=["root"]) == []


@pytest.mark.parametrize("size", [10, 600 * KIB])
def test_names_of_one_file_stay_names_of_one_file(
    vault: Repository, source: Path, target: Path, size: int
) -> None:
    (source / "one").write_bytes(b"x" * size)
    os.link(source / "one", source / "two")
    point = capture(vault, source)
    run(vault, point, target)
    (target / "one").write_bytes(b"changed through one, seen through two")

    again = run(vault, point, target)
    once_more = run(vault, point, target)

    assert differences(source, target, ignore=["root"]) == []
    assert (again.files_unchanged, once_more.files_unchanged) == (0, 2)
    assert once_more.bytes_written == 0


def evil_point(vault: Repository, *names: str) -> Snapshot:
    """A point whose folder holds files under names no honest backup writes."""
    writer = PackWriter(vault.files)
    blob = writer.add(BlobKind.DATA, b"evil").hex()

    def node(name: str, **more: Any) -> Node:
        return Node(name=name, mtime=WHEN, atime=WHEN, ctime=WHEN, uid=0, gid=0, **more)

    files = [node(name, type="file", mode=0o644, size=4, content=[blob]) for name in names]
    inner = writer.add(BlobKind.TREE, encode_tree(files))
    folder = node("srv", type="dir", mode=0o755 | FOLDER_BIT, content=None, subtree=inner.hex())
    tree = writer.add(BlobKind.TREE, encode_tree([folder]))
    writer.finish()
    vault.index.add_all(writer.written)
    stored = SnapshotFile(time=WHEN, tree=tree.hex(), paths=["/srv"])
    return vault.load_snapshot(vault.save_snapshot(stored))


def test_names_that_lead_out_are_refused(vault: Repository, tmp_path: Path, target: Path) -> None:
    point = evil_point(vault, "", ".", "..", "../../up", "/etc/evil", r"nul\x00", "good", "good")

    report = run(vault, point, target)

    assert contents(target) == {"srv/good": b"evil"}
    assert len(report.problems) == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["target"]


# A part of a point


FILES = {
    "etc/nginx/site.conf": b"site",
    "etc/nginx/notes": b"notes",
    "etc/hosts": b"hosts",
    "home/ada/x.conf": b"x",
    ".holdfast/skipped": b"none",
}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["etc/hosts", "etc/nginx/notes", "etc/nginx/site.conf", "home/ada/x.conf"]),
        ({"include": ("*.conf",)}, ["etc/nginx/site.conf", "home/ada/x.conf"]),
        ({"include": ("/etc/nginx",)}, ["etc/nginx/notes", "etc/nginx/site.conf"]),
        ({"include": ("/etc",), "exclude": ("nginx/",)}, ["etc/hosts"]),
        ({"include": ("/.holdfast",)}, [".holdfast/skipped"]),
        ({"subpath": b"/etc/nginx"}, ["notes", "site.conf"]),
        ({"subpath": b"etc/hosts"}, ["hosts"]),
        ({"subpath": b"/etc", "include": ("/etc/hosts",)}, ["hosts"]),
        ({"subpath": b"/.holdfast"}, ["skipped"]),
    ],
)
def test_a_part_comes_alone(
    vault: Repository, target: Path, asked: dict[str, Any], expected: list[str]
) -> None:
    point = add_point(vault, FILES)

    report = run(vault, point, target, **asked)

    assert sorted(contents(target)) == expected
    assert report.files == len(expected)


def test_folders_that_lead_nowhere_are_not_made(vault: Repository, target: Path) -> None:
    point = add_point(vault, FILES)

    run(vault, point, target, include=("hosts",))

    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == [
        "etc",
        "etc/hosts",
    ]


def test_a_subpath_that_is_not_there_is_said(vault: Repository, target: Path) -> None:
    point = add_point(vault, FILES)

    with pytest.raises(SubpathMissing, match="/etc/nothing"):
        run(vault, point, target, subpath=b"/etc/nothing")


def test_a_target_that_is_no_folder_is_said(vault: Repository, target: Path) -> None:
    point = add_point(vault, FILES)
    target.write_bytes(b"x")

    with pytest.raises(TargetUnusable, match="File exists"):
        run(vault, point, target)


# Rehearsal, proof, damage


def test_a_rehearsal_counts_and_changes_nothing(
    vault: Repository, source: Path, target: Path
) -> None:
    build_small_tree(source, 1, files=40)
    point = capture(vault, source)
    shutil.copytree(source, target)
    changed = next(path for path in sorted(target.rglob("*")) if path.is_file())
    changed.write_bytes(b"changed")
    (target / "extra").write_bytes(b"x")
    before = contents(target)

    rehearsed = run(vault, point, target, dry_run=True, delete=True)
    seen = contents(target)
    done = run(vault, point, target, delete=True)

    assert seen == before
    assert (rehearsed.files, rehearsed.files_unchanged) == (done.files, done.files_unchanged)
    assert rehearsed.bytes_written == done.bytes_written
    assert (rehearsed.deleted, rehearsed.folders) == (done.deleted, done.folders) != (0, 0)


def test_a_rehearsal_makes_no_target(vault: Repository, target: Path) -> None:
    point = add_point(vault, FILES)

    report = run(vault, point, target, dry_run=True)

    assert not target.exists()
    assert report.files == 4


def test_verification_names_what_is_not_as_in_the_point(
    vault: Repository, source: Path, target: Path
) -> None:
    for name in ("content", "mode", "time", "size", "fine"):
        (source / name).write_bytes(name.encode())
    point = capture(vault, source)
    run(vault, point, target)
    kept_time = (target / "content").stat().st_mtime_ns
    (target / "content").write_bytes(b"CONTENT")
    os.utime(target / "content", ns=(kept_time, kept_time))
    (target / "mode").chmod(0o666)
    os.utime(target / "time", ns=(1, 1))
    with open(target / "size", "ab") as size:
        size.write(b"more")

    root = os.open(target, os.O_RDONLY)
    worker = Worker(
        vault,
        RestoreOptions(target=os.fsencode(target)),
        root=root,
        prefix=b"",
        selection=Selection((), ()),
        protected=Protected(()),
    )
    folder = FolderTask(b"", point.tree, fresh=False, wanted=True)
    outcome = worker.do(Batch(Kind.VERIFY, [VerifyTask(folder, frozenset())]))
    os.close(root)

    assert sorted({problem.path for problem in outcome.problems}) == [
        b"/content",
        b"/mode",
        b"/size",
        b"/time",
    ]
    assert {problem.reason for problem in outcome.problems} == {SkipReason.DAMAGED}


def test_a_lost_pack_costs_only_the_files_in_it(tmp_path: Path, target: Path) -> None:
    vault = small_vault(_directory(tmp_path / "vault"))
    add_point(vault, {"srv/lost": b"lost", "srv/long": b"a" * 100}, chunk=10)
    known = set(vault.index.packs())
    point = add_point(
        vault,
        {"srv/lost": b"lost", "srv/long": b"a" * 100 + b"b" * 10, "srv/fine": b"fine"},
        chunk=10,
    )
    for pack in known:
        name = pack.hex()
        (tmp_path / "vault" / "data" / name[:2] / name).unlink()

    report = run(vault, point, target)

    assert (target / "srv/fine").read_bytes() == b"fine"
    assert not (target / "srv/lost").exists()
    assert {problem.path for problem in report.problems} == {b"/srv/lost", b"/srv/long"}
    assert {problem.reason for problem in report.problems} == {SkipReason.DAMAGED}
    # What is not whole must not look finished.
    assert (target / "srv/long").stat().st_mtime_ns > 1_700_000_000 * 10**9


@pytest.mark.parametrize("harm", ["lost", "damaged"])
def test_a_blob_comes_from_another_pack_that_holds_it_too(
    tmp_path: Path, target: Path, harm: str
) -> None:
    storage = _directory(tmp_path / "vault")
    point = add_point(small_vault(storage), {"srv/twice": b"twice", "srv/long": b"a" * 10 + b"b"})
    _store_again(storage, b"twice", b"a" * 10 + b"b")
    vault = _with_all_copies(open_vault(storage))
    pack = tmp_path / "vault" / pack_path(_used_copy(vault, b"twice").pack)
    if harm == "lost":
        pack.unlink()
    else:
        pack.chmod(0o600)
        pack.write_bytes(bytes(pack.stat().st_size))

    report = run(vault, point, target, subpath=b"srv")

    assert report.problems == []
    assert (target / "twice").read_bytes() == b"twice"
    assert (target / "long").read_bytes() == b"a" * 10 + b"b"


def _store_again(storage: DirectoryStorage, *blobs: bytes) -> None:
    """Another pack with data that the vault holds already, as two writers at once make it."""
    vault = open_vault(storage)
    writer = PackWriter(vault.files)
    for blob in blobs:
        writer.add(BlobKind.DATA, blob)
    writer.finish()


def _with_all_copies(vault: Repository) -> Repository:
    """With the table that vaults of more than a few thousand blobs have."""
    writer = TableWriter()
    sources = index_sizes(vault.files)
    fill(writer, vault.files, sources)
    vault.index = BlobIndex(in_memory(writer, sources))
    return vault


def _used_copy(vault: Repository, blob: bytes) -> Location:
    found = vault.index.find(BlobKind.DATA, blob_of(blob))
    assert found is not None
    assert len(vault.index.find_all(BlobKind.DATA, blob_of(blob))) == 2
    return found


def _directory(root: Path) -> DirectoryStorage:
    storage = DirectoryStorage(str(root))
    storage.create_root()
    return storage


# People without root


@root_only
def test_owners_are_reported_once_to_who_is_not_root(
    vault: Repository, source: Path, tmp_path: Path
) -> None:
    for number in range(5):
        (source / f"file-{number}").write_bytes(b"x")
    (source / "program").write_bytes(b"x")
    (source / "program").chmod(0o4755)
    point = capture(vault, source)
    home = _home_of_nobody(tmp_path)

    lines = _as_nobody(lambda: run(vault, point, home / "target", verify=True))

    assert len(lines) == 2
    assert "set-id" in lines[0]
    assert "6 items" in lines[1]


@root_only
def test_who_is_not_root_restores_into_folders_that_forbid_it(
    vault: Repository, source: Path, tmp_path: Path
) -> None:
    for mode in (0o500, 0o000):
        folder = source / f"folder-{mode:o}"
        folder.mkdir()
        (folder / "file").write_bytes(b"x")
        (folder / "file").chmod(0o400)
    _give(source, 65534)
    for mode in (0o500, 0o000):
        (source / f"folder-{mode:o}").chmod(mode)
    point = capture(vault, source)
    home = _home_of_nobody(tmp_path)

    def restore_twice() -> RestoreReport:
        run(vault, point, home / "target")
        for mode in (0o500, 0o000):
            folder = home / "target" / f"folder-{mode:o}"
            folder.chmod(0o700)
            (folder / "file").unlink()
            folder.chmod(mode)
        return run(vault, point, home / "target")

    said = _as_nobody(restore_twice)

    assert said == []
    assert differences(source, home / "target", ignore=["root"]) == []


def _home_of_nobody(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    _give(home, 65534)
    for folder in home.parents:
        mode = folder.stat().st_mode
        if folder.stat().st_uid == os.geteuid() and mode & 0o005 != 0o005:
            folder.chmod(mode | stat.S_IROTH | stat.S_IXOTH)
    return home


def _give(root: Path, user: int) -> None:
    for path in (root, *root.rglob("*")):
        os.chown(path, user, user)


def _as_nobody(work: Any) -> list[str]:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(read)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            report = work()
            os.write(write, "\n".join(p.detail for p in report.problems).encode())
        except BaseException as err:
            os.write(write, repr(err).encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return said.splitlines()
