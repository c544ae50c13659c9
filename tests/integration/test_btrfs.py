"""Backups that read from snapshots, on a real btrfs in a loop-mounted image."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.files.backup.job import BackupJob, back_up
from holdfast.files.options import BackupOptions, Excludes
from holdfast.files.report import BackupReport
from holdfast.files.views.place import FOLDER
from holdfast.files.views.view import View, consistent_view
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.killing import children_of, ends_within, freeze
from holdfast.testing.vaults import open_vault, read_all, read_point, small_vault
from holdfast.vault.repository import Repository
from holdfast.vault.tree import Node
from tests.guarded_mount import guarded_mount

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("HOLDFAST_TEST_ALLOW_SKIP") == "1" and os.geteuid() != 0,
        reason="only root may mount a btrfs",
    ),
]

SCRIPT = Path(sys.executable).with_name("holdfast")
VIEWS = os.fsdecode(FOLDER)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty btrfs."""
    image = tmp_path / "image"
    image.touch()
    os.truncate(image, 128 << 20)
    run("mkfs.btrfs", "-q", image)
    with mounted("-o", "loop", image, at=tmp_path / "disk") as at:
        yield at


@pytest.fixture
def data(disk: Path) -> Path:
    """A subvolume with a file, two hard links, a folder, and a nested subvolume with a file."""
    data = subvolume(disk / "data")
    write(data / "file", "content")
    os.link(data / "file", data / "again")
    write(data / "folder/inner", "inner")
    write(subvolume(data / "folder/nested") / "deep", "deep")
    return data


@pytest.fixture
def vault(tmp_path: Path) -> Repository:
    vault = small_vault(clock=SystemClock())
    vault.cache = str(tmp_path / "scratch")
    return vault


def run(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


@contextmanager
def mounted(*words: str | Path, at: Path) -> Iterator[Path]:
    at.mkdir(exist_ok=True)
    run("mount", *words, at)
    with guarded_mount(at):
        yield at


def subvolume(path: Path) -> Path:
    run("btrfs", "subvolume", "create", path)
    return path


def write(path: Path, content: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")


def made(
    vault: Repository, root: Path, view: View, *, one_file_system: bool = False
) -> BackupReport:
    excludes = Excludes(patterns=(VIEWS + "/",), one_file_system=one_file_system)
    options = BackupOptions(paths=(os.fsencode(root),), host="alpha", excludes=excludes, workers=1)
    return back_up(
        BackupJob(repository=vault, options=options, read_at=view.read_at, devices=view.devices)
    )


def viewed(vault: Repository, root: Path, *, one_file_system: bool = False) -> BackupReport:
    paths = (os.fsencode(root),)
    with consistent_view(paths, unexpected, one_file_system=one_file_system) as view:
        return made(vault, root, view, one_file_system=one_file_system)


def unexpected(warning: str) -> None:
    raise AssertionError(warning)


def files(vault: Repository, report: BackupReport, root: Path) -> dict[str, bytes]:
    """The files of a point, relative to its root."""
    prefix = str(root).strip("/") + "/"
    found = read_point(vault, vault.load_snapshot(report.snapshot))
    return {path.removeprefix(prefix): content for path, content in found.items()}


def tree(vault: Repository, report: BackupReport, root: Path) -> Node:
    """The root itself; the folders above it have times of their own."""
    return node(vault, report, root)


def node(vault: Repository, report: BackupReport, path: Path) -> Node:
    nodes = vault.load_tree(vault.load_snapshot(report.snapshot).tree)
    for name in path.parts[1:-1]:
        (folder,) = [each for each in nodes if each.name == name]
        nodes = vault.load_tree(folder.subtree_id)
    (found,) = [each for each in nodes if each.name == path.name]
    return found


def runs(root: Path) -> list[str]:
    """What lies in the folder for snapshots."""
    folder = root / VIEWS
    return sorted(os.listdir(folder)) if folder.exists() else []


def test_what_changes_after_the_view_was_taken_is_not_in_the_point(
    vault: Repository, data: Path
) -> None:
    with consistent_view((os.fsencode(data),), unexpected) as view:
        write(data / "file", "changed")
        write(data / "late", "too late")
        write(data / "folder/nested/deep", "changed")
        report = made(vault, data, view)

    assert files(vault, report, data) == {
        "file": b"content",
        "again": b"content",
        "folder/inner": b"inner",
        "folder/nested/deep": b"deep",
    }
    assert report.skipped == ()
    assert runs(data) == []


def test_second_point_of_an_unchanged_subvolume_is_the_same_and_reads_nothing(
    vault: Repository, data: Path
) -> None:
    viewed(vault, data)  # what is a moment old is read once more
    first = viewed(vault, data)
    second = viewed(vault, data)

    assert tree(vault, second, data) == tree(vault, first, data)
    assert second.summary.files_unmodified == 4
    assert (second.summary.dirs_unmodified, second.summary.dirs_changed) == (3, 0)
    assert second.warnings == ()


def test_view_and_plain_read_make_the_same_point(vault: Repository, data: Path) -> None:
    viewed(vault, data)  # what is a moment old is read once more
    first = viewed(vault, data)
    plain = made(vault, data, View())

    assert tree(vault, plain, data) == tree(vault, first, data)
    assert plain.summary.files_unmodified == 4


def test_links_and_nested_subvolumes_look_as_they_are(vault: Repository, data: Path) -> None:
    nested = data / "folder/nested"
    os.chmod(nested, 0o2751)
    os.setxattr(nested, "user.mark", b"nested")
    os.utime(nested, ns=(1, 1_700_000_000_000_000_000))

    report = viewed(vault, data)

    assert node(vault, report, data / "file").device_id == os.lstat(data / "file").st_dev
    found = node(vault, report, nested)
    assert (found.mode & 0o777, found.inode) == (0o751, 256)
    assert found.mtime.startswith("2023-11-14T22:13:20")
    assert [(each.name, each.value) for each in found.extended_attributes or ()] == [
        ("user.mark", b"nested")
    ]


def test_what_is_mounted_below_is_read_where_it_is(vault: Repository, data: Path) -> None:
    (data / "mount").mkdir()
    write(data / "mount/hidden", "hidden by the mount")
    with mounted("-t", "tmpfs", "tmpfs", at=data / "mount"):
        write(data / "mount/there", "there")
        report = viewed(vault, data)
        closed = viewed(vault, data, one_file_system=True)
        plain = made(vault, data, View(), one_file_system=True)

    assert files(vault, report, data)["mount/there"] == b"there"
    assert "mount/hidden" not in files(vault, report, data)
    assert sorted(files(vault, closed, data)) == ["again", "file", "folder/inner"]
    assert tree(vault, closed, data) == tree(vault, plain, data)


def test_subvolume_mounted_below_is_in_the_view(
    vault: Repository, data: Path, disk: Path, tmp_path: Path
) -> None:
    other = subvolume(disk / "other")
    write(other / "file", "other")
    (data / "mount").mkdir()
    with (
        mounted("--bind", other, at=data / "mount"),
        consistent_view((os.fsencode(data),), unexpected) as view,
    ):
        write(other / "file", "changed")
        report = made(vault, data, view)

    assert files(vault, report, data)["mount/file"] == b"other"
    assert (runs(data), runs(other)) == ([], [])


def test_root_deep_in_a_subvolume_and_behind_a_link(
    vault: Repository, data: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(data)
    with consistent_view((os.fsencode(link / "folder"),), unexpected) as view:
        write(data / "folder/inner", "changed")
        write(data / "folder/nested/deep", "changed")
        report = made(vault, link / "folder", view)

    assert files(vault, report, link / "folder") == {"inner": b"inner", "nested/deep": b"deep"}


def test_root_that_is_a_file(vault: Repository, data: Path) -> None:
    with consistent_view((os.fsencode(data / "file"),), unexpected) as view:
        write(data / "file", "changed")
        report = made(vault, data / "file", view)

    assert files(vault, report, data) == {"file": b"content"}


def test_read_only_subvolume_is_read_where_it_is(vault: Repository, data: Path) -> None:
    run("btrfs", "subvolume", "snapshot", "-r", data, data / "kept")

    report = viewed(vault, data)
    again = viewed(vault, data)
    (inside,) = [viewed(vault, data / "kept")]

    # The folder that stands for what is nested in it would never be the same twice.
    assert "kept/file" in files(vault, report, data)
    assert tree(vault, again, data) == tree(vault, report, data)
    assert sorted(files(vault, inside, data / "kept")) == ["again", "file", "folder/inner"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_no_snapshot_stays_after_an_error(data: Path, error: type[BaseException]) -> None:
    seen: list[str] = []

    def work() -> None:
        with consistent_view((os.fsencode(data),), unexpected):
            seen.extend(runs(data))
            raise error

    with pytest.raises(error):
        work()

    assert (len(seen), runs(data)) == (1, [])


def in_child(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_snapshots_of_a_killed_run_go_with_the_next_and_those_of_a_living_one_stay(
    data: Path,
) -> None:
    ready, tell = os.pipe()

    def hold() -> None:
        with consistent_view((os.fsencode(data),), unexpected):
            os.write(tell, b"x")
            signal.pause()

    children = [in_child(hold) for _ in range(2)]
    assert os.read(ready, 1) + os.read(ready, 1) == b"xx"
    dead, living = children
    os.kill(dead, signal.SIGKILL)
    os.waitpid(dead, 0)

    with consistent_view((os.fsencode(data),), unexpected):
        pids = [int(name.split("-")[1]) for name in runs(data)]

    assert sorted(pids) == sorted([living, os.getpid()])
    assert [name.split("-")[1] for name in runs(data)] == [str(living)]
    os.kill(living, signal.SIGKILL)
    os.waitpid(living, 0)
    with consistent_view((os.fsencode(data),), unexpected):
        pass
    assert runs(data) == []


def test_folder_for_snapshots_that_is_somebody_elses_is_not_used(
    vault: Repository, data: Path
) -> None:
    warned: list[str] = []
    (data / VIEWS).mkdir()
    os.chown(data / VIEWS, 1000, 1000)

    with consistent_view((os.fsencode(data),), warned.append) as view:
        report = made(vault, data, view)

    assert view.devices == {}
    assert len(warned) == 1
    assert f"{data / VIEWS} belongs to somebody else" in warned[0]
    assert files(vault, report, data)["folder/nested/deep"] == b"deep"


def test_link_in_place_of_the_folder_is_not_followed(data: Path, tmp_path: Path) -> None:
    warned: list[str] = []
    (data / VIEWS).symlink_to(tmp_path)

    with consistent_view((os.fsencode(data),), warned.append) as view:
        assert view == View()

    assert len(warned) == 1


def test_disk_that_takes_no_snapshot_is_read_plainly(
    vault: Repository, data: Path, disk: Path
) -> None:
    warned: list[str] = []
    run("mount", "-o", "remount,ro", disk)

    with consistent_view((os.fsencode(data),), warned.append) as view:
        report = made(vault, data, view)

    assert [os.strerror(30) in warning for warning in warned] == [True]
    assert len(files(vault, report, data)) == 4


def test_full_disk_is_read_plainly_or_viewed_but_always_read(vault: Repository, data: Path) -> None:
    warned: list[str] = []
    run("sh", "-c", f"head -c 1G /dev/urandom > {data}/fill || truncate -s 1M {data}/fill")

    with consistent_view((os.fsencode(data),), warned.append) as view:
        report = made(vault, data, view)

    assert len(files(vault, report, data)) == 5
    assert bool(warned) != bool(view.devices)
    assert runs(data) == []


def test_other_file_systems_are_read_without_a_word(tmp_path: Path) -> None:
    with consistent_view((os.fsencode(tmp_path),), unexpected) as view:
        assert view == View()


@dataclass(frozen=True, slots=True)
class Command:
    """`holdfast` as a process, with a lab vault."""

    root: Path

    def __call__(self, *words: str | Path, before: tuple[str, ...] = (), status: int = 0) -> str:
        with self.start(*words, before=before) as process:
            said = process.communicate(timeout=120)[0]
        assert process.returncode == status, said
        return said

    def start(self, *words: str | Path, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*before, str(SCRIPT), *map(str, words)],
            env={
                "PATH": os.environ["PATH"],
                "LC_ALL": "C.UTF-8",
                "HOLDFAST_HOME": str(self.root / "home"),
                "HOLDFAST_VAULT": str(self.root / "vault"),
                "HOLDFAST_PASSPHRASE_FILE": str(self.root / "passphrase"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


@pytest.fixture
def holdfast(tmp_path: Path) -> Command:
    (tmp_path / "passphrase").write_text("correct horse battery staple", encoding="utf-8")
    (tmp_path / "passphrase").chmod(0o600)
    command = Command(tmp_path)
    command("vault", "create", "--lab")
    return command


def points_in(root: Path) -> list[dict[str, bytes]]:
    vault = open_vault(DirectoryStorage(str(root / "vault")))
    return list(read_all(vault).values())


def test_hooks_and_view_work_together(holdfast: Command, data: Path, tmp_path: Path) -> None:
    (data / VIEWS).mkdir(mode=0o700)
    is_empty = f"test -z \"$(ls -A '{data}/{VIEWS}')\""

    said = holdfast(
        *("backup", data),
        *("--hook-before", f"{is_empty} && echo dumped >'{data}/dump'"),
        *("--hook-after", f"{is_empty} && rm '{data}/dump'"),
    )

    assert "hook" not in said
    assert not (data / "dump").exists()
    (point,) = points_in(tmp_path)
    assert point[f"{data}/dump".strip("/")] == b"dumped\n"
    assert not any(VIEWS in path for path in point)
    assert runs(data) == []


def test_without_the_right_to_it_no_snapshot_is_taken_and_it_is_said(
    holdfast: Command, data: Path, tmp_path: Path
) -> None:
    said = holdfast("backup", data, before=("setpriv", "--bounding-set=-sys_admin"))

    assert f"{data} is read while it changes" in said
    assert "only root" in said
    assert not (data / VIEWS).exists()
    assert len(points_in(tmp_path)[0]) == 4


def frozen_backup(holdfast: Command, data: Path) -> "subprocess.Popen[str]":
    """A backup of much that was not there before, stopped in its work."""
    for _attempt in range(20):
        (data / "noise").write_bytes(os.urandom(40 << 20))
        process = holdfast.start("backup", data)
        while process.poll() is None and not children_of(process.pid):
            threading.Event().wait(0.001)
        if freeze(process.pid) and runs(data):
            return process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
        process.communicate(timeout=90)
    raise AssertionError("each backup was done before it could be stopped")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_backup_takes_its_snapshots_away_and_a_killed_one_leaves_that_to_the_next(
    holdfast: Command, data: Path, number: signal.Signals
) -> None:
    process = frozen_backup(holdfast, data)
    workers = children_of(process.pid)
    seen = runs(data)

    os.killpg(process.pid, number)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGCONT)
    process.communicate(timeout=90)

    assert len(seen) == 1
    assert process.returncode == (130 if number is signal.SIGINT else -number)
    assert runs(data) == ([] if number is signal.SIGINT else seen)
    assert all(ends_within(pid, 90) for pid in workers)
    holdfast("backup", data)
    assert runs(data) == []


def test_view_can_be_turned_off(holdfast: Command, data: Path) -> None:
    said = holdfast("backup", data, "--view", "off")

    assert "read while it changes" not in said
    assert not (data / VIEWS).exists()
