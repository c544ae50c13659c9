"""From paths to items, and points that come while the mount is there."""

import errno
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from holdfast.files.mount.attributes import Item
from holdfast.files.mount.cache import BlobCache
from holdfast.files.mount.fetching import Fetcher
from holdfast.files.mount.lookup import Folders, Lookup
from holdfast.files.mount.operations import Operations
from holdfast.files.mount.points import Points, Watch
from holdfast.storage.errors import StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.clock import FakeClock
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import add_point, open_vault, small_vault
from holdfast.vault.layout import SNAPSHOTS
from holdfast.vault.pack_header import Kind
from holdfast.vault.pack_writer import PackWriter
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import SnapshotFile
from holdfast.vault.tree import Node, encode_tree


class View:
    """All of a mount but the kernel."""

    def __init__(self, repository: Repository) -> None:
        self.said: list[str] = []
        watch = Watch(choose=lambda _: True, warn=self.said.append)
        self.points = Points(repository, watch)
        fetcher = Fetcher(repository.storage, repository.files.master, self.points.index)
        self.pool = ThreadPoolExecutor(1)
        blobs = BlobCache(fetcher, limit=1 << 20, pool=self.pool)
        self.lookup = Lookup(self.points, Folders(blobs, warn=self.said.append))
        self.operations = Operations(lookup=self.lookup, blobs=blobs, fetcher=fetcher)
        self.operations.warn = self.said.append

    def read(self, path: str) -> bytes:
        """All of a small file, when what was asked ahead is here."""
        handle = self.operations.open(path, 0)
        self.pool.submit(int).result()
        return self.operations.read(None, 1000, 0, handle)

    def find(self, path: str) -> Item:
        return self.lookup.find(path)

    def names(self, path: str) -> set[str]:
        handle = self.operations.opendir(path)
        return {name for name, _attributes, _offset in self.operations.readdir(None, handle)}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def repository(clock: FakeClock) -> Repository:
    made = small_vault(FaultyStorage(MemoryStorage()), clock=clock)
    add_point(made, {"folder/deep/file": b"hello", "\udcff\udcfe": b"odd"})
    return made


def faulty(repository: Repository) -> FaultyStorage:
    assert isinstance(repository.storage, FaultyStorage)
    return repository.storage


def only_point(view: View) -> str:
    (name,) = view.names("/points") - {".", "..", "latest"}
    return f"/points/{name}"


def test_a_path_leads_to_its_file_and_its_bytes(repository: Repository) -> None:
    view = View(repository)
    path = only_point(view) + "/folder/deep/file"

    handle = view.operations.open(path, 0)

    assert view.operations.read(None, 100, 0, handle) == b"hello"
    assert view.operations.getattr(None, handle)["st_size"] == 5


def test_a_name_that_is_not_text_is_found_by_its_bytes(repository: Repository) -> None:
    view = View(repository)

    handle = view.operations.open(only_point(view) + "/\xff\xfe", 0)

    assert view.operations.read(None, 100, 0, handle) == b"odd"
    assert "\xff\xfe" in view.names(only_point(view))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/nothing", errno.ENOENT),
        ("/folder/x", errno.ENOENT),
        ("/folder/deep/file/x", errno.ENOTDIR),
    ],
)
def test_what_is_not_there_is_said_as_the_kernel_says_it(
    repository: Repository, path: str, code: int
) -> None:
    view = View(repository)

    with pytest.raises(OSError, match=r"directory") as seen:
        view.operations.getattr(only_point(view) + path)

    assert seen.value.errno == code


def test_folders_looked_up_once_are_not_read_again(repository: Repository) -> None:
    view = View(repository)
    path = only_point(view) + "/folder/deep/file"
    view.find(path)
    before = faulty(repository).calls

    view.find(path)
    view.names(only_point(view) + "/folder")

    assert faulty(repository).calls == before


def test_a_new_point_shows_within_a_minute_with_its_files(
    repository: Repository, clock: FakeClock
) -> None:
    view = View(repository)
    known = view.names("/points")
    clock.sleep(60)
    add_point(open_vault(repository.storage, clock=clock), {"new": b"fresh"})

    (name,) = view.names("/points") - known

    handle = view.operations.open(f"/points/{name}/new", 0)
    assert view.operations.read(None, 10, 0, handle) == b"fresh"


def test_a_storage_that_is_away_leaves_what_is_known(
    repository: Repository, clock: FakeClock
) -> None:
    view = View(repository)
    known = view.names("/points")
    clock.sleep(60)
    faulty(repository).fail("list", StorageUnavailable(place="there", reason="gone"))

    assert view.names("/points") == known
    assert len(view.said) == 1
    assert faulty(repository).unused() == []


def test_a_damaged_point_does_not_hide_the_others(repository: Repository) -> None:
    repository.storage.put(f"{SNAPSHOTS}/{'ab' * 32}", b"nonsense")

    view = View(repository)

    assert len(view.names("/ids")) == 3
    assert "ab" * 32 in view.said[0]


def test_a_damaged_folder_is_an_error_of_its_own_and_told_once(repository: Repository) -> None:
    view = View(repository)
    top = only_point(view)
    for _ in range(2):
        faulty(repository).fail("read", StorageUnavailable(place="there", reason="gone"))
        with pytest.raises(OSError, match="Input/output"):
            view.operations.opendir(top)

    assert "folder" in view.names(top)
    assert len(view.said) == 1


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\x00b"])
def test_a_name_that_could_lead_astray_is_left_out(repository: Repository, name: str) -> None:
    now = "2024-05-06T12:00:00Z"
    times: dict[str, Any] = {"mtime": now, "atime": now, "ctime": now}
    nodes = [
        Node(name=each, type="file", uid=0, gid=0, content=[], **times) for each in (name, "ok")
    ]
    writer = PackWriter(repository.files)
    tree = writer.add(Kind.TREE, encode_tree(nodes))
    writer.finish()
    stored = SnapshotFile(time=now, tree=tree.hex(), paths=["/"], hostname="evil")
    repository.save_snapshot(stored)

    view = View(open_vault(repository.storage, clock=repository.clock))

    assert view.names("/hosts/evil/latest".replace("latest", "2024-05-06_120000")) == {
        ".",
        "..",
        "ok",
    }
    assert "impossible name" in view.said[0]


def many_files(repository: Repository) -> tuple[View, list[str]]:
    files = {f"many/{number:03}": b"content %d" % number for number in range(200)}
    add_point(repository, files, host="beta")
    view = View(open_vault(repository.storage, clock=repository.clock))
    (name,) = view.names("/hosts/beta") - {".", "..", "latest"}
    return view, [f"/hosts/beta/{name}/{path}" for path in files]


def test_files_read_in_order_come_many_at_a_time(repository: Repository) -> None:
    view, paths = many_files(repository)
    view.names(paths[0].rpartition("/")[0])
    before = faulty(repository).calls

    contents = [view.read(path) for path in paths]

    assert contents == [b"content %d" % number for number in range(200)]
    assert faulty(repository).calls - before < 10


def test_files_read_here_and_there_come_one_at_a_time(repository: Repository) -> None:
    view, paths = many_files(repository)
    view.names(paths[0].rpartition("/")[0])
    before = faulty(repository).calls

    for number in (150, 20, 90, 3, 60):
        assert view.read(paths[number]) == b"content %d" % number

    assert faulty(repository).calls - before == 5
