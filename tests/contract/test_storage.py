"""What storage/protocol.py promises, for every storage."""

import contextlib
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.storage.errors import FileExists, FileMissing, FileTooShort
from holdfast.storage.protocol import Content, Entry, Storage

from .conftest import PROCESS_LOCAL

NAME = "data/ab/abcdef"


def test_put_then_get_returns_the_content(storage: Storage) -> None:
    storage.put(NAME, b"content")

    assert storage.get(NAME) == b"content"
    assert storage.size(NAME) == 7


@pytest.mark.parametrize("content", [b"view", bytearray(b"view"), memoryview(b"a view!")[2:6]])
def test_put_takes_anything_with_bytes(storage: Storage, content: Content) -> None:
    storage.put(NAME, content)

    assert storage.get(NAME) == b"view"


def test_content_may_be_reused_after_put(storage: Storage) -> None:
    buffer = bytearray(b"first")

    storage.put(NAME, memoryview(buffer))
    buffer[:] = b"other"

    assert storage.get(NAME) == b"first"


def test_put_never_replaces(storage: Storage) -> None:
    storage.put(NAME, b"first")

    with pytest.raises(FileExists):
        storage.put(NAME, b"second")

    assert storage.get(NAME) == b"first"


def test_put_of_the_same_content_is_still_refused(storage: Storage) -> None:
    storage.put(NAME, b"same")

    with pytest.raises(FileExists):
        storage.put(NAME, b"same")


def test_an_empty_file_is_a_file(storage: Storage) -> None:
    storage.put("keys/empty", b"")

    assert storage.get("keys/empty") == b""
    assert storage.size("keys/empty") == 0
    assert storage.read("keys/empty", 0, 0) == b""
    assert list(storage.list("keys")) == [Entry("keys/empty", 0)]


def test_a_file_may_lie_at_the_top_or_deep(storage: Storage) -> None:
    names = {"config", "keys/k", "a/b/c/d/e"}
    for name in names:
        storage.put(name, name.encode())

    assert {name: storage.get(name) for name in names} == {name: name.encode() for name in names}
    assert {entry.name for entry in storage.list("")} == names


def test_big_files_arrive_whole(storage: Storage) -> None:
    content = os.urandom(MIB) * 20 + b"tail"

    storage.put(NAME, content)

    assert storage.size(NAME) == len(content)
    assert storage.get(NAME) == content
    assert storage.read(NAME, 7 * MIB - 3, 10) == content[7 * MIB - 3 : 7 * MIB + 7]


def test_a_missing_file_is_said_to_be_missing(storage: Storage) -> None:
    storage.put("data/ab/other", b"")

    for ask in (storage.get, storage.size, lambda name: storage.read(name, 0, 1)):
        with pytest.raises(FileMissing):
            ask(NAME)
    with pytest.raises(FileMissing):
        storage.read(NAME, 0, 0)


def test_a_folder_is_not_a_file(storage: Storage) -> None:
    storage.put(NAME, b"content")

    for ask in (storage.get, storage.size, lambda name: storage.read(name, 0, 1)):
        with pytest.raises(FileMissing):
            ask("data/ab")
    storage.delete("data/ab")

    assert storage.get(NAME) == b"content"


@pytest.mark.parametrize(("offset", "length"), [(0, 10), (0, 3), (4, 6), (9, 1), (5, 0), (99, 0)])
def test_read_returns_exactly_the_range(storage: Storage, offset: int, length: int) -> None:
    storage.put(NAME, b"0123456789")

    assert storage.read(NAME, offset, length) == b"0123456789"[offset : offset + length]


@pytest.mark.parametrize(("offset", "length"), [(0, 11), (9, 2), (10, 1), (99, 1)])
def test_read_past_the_end_is_an_error(storage: Storage, offset: int, length: int) -> None:
    storage.put(NAME, b"0123456789")

    with pytest.raises(FileTooShort):
        storage.read(NAME, offset, length)


def test_delete_removes(storage: Storage) -> None:
    storage.put(NAME, b"content")

    storage.delete(NAME)

    with pytest.raises(FileMissing):
        storage.get(NAME)
    assert list(storage.list("data")) == []


def test_delete_of_a_missing_file_is_fine(storage: Storage) -> None:
    storage.delete(NAME)
    storage.put(NAME, b"")
    storage.delete(NAME)
    storage.delete(NAME)


def test_a_deleted_name_can_be_put_again(storage: Storage) -> None:
    storage.put(NAME, b"old")
    storage.delete(NAME)

    storage.put(NAME, b"new")

    assert storage.get(NAME) == b"new"


def test_list_names_every_file_below_with_its_size(storage: Storage) -> None:
    storage.put("data/ab/1", b"1")
    storage.put("data/cd/2", b"22")
    storage.put("data/3", b"333")

    found = sorted(storage.list("data"))

    assert found == [Entry("data/3", 3), Entry("data/ab/1", 1), Entry("data/cd/2", 2)]
    assert list(storage.list("data/")) == list(storage.list("data"))


def test_list_shows_no_neighbour_with_a_like_name(storage: Storage) -> None:
    for name in ("data/1", "database/2", "data-old/3", "other/data/4", "data2"):
        storage.put(name, b"")

    assert [entry.name for entry in storage.list("data")] == ["data/1"]


def test_a_missing_folder_is_empty(storage: Storage) -> None:
    assert list(storage.list("snapshots")) == []
    storage.put("data/1", b"")
    assert list(storage.list("snapshots")) == []
    assert list(storage.list("data/1")) == []


@pytest.mark.slow
def test_list_has_no_limit(storage: Storage, kind: str) -> None:
    # Azure's pages hold 5000 names, those of the others 1000.
    count = 5100 if kind == "azure" else 2500
    names = {f"index/{number:05}" for number in range(count)}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: storage.put(name, b"x"), names))

    found = [entry.name for entry in storage.list("index")]

    assert len(found) == count
    assert set(found) == names


def test_files_may_be_deleted_while_they_are_listed(storage: Storage) -> None:
    for number in range(20):
        storage.put(f"locks/{number}", b"")

    for entry in storage.list("locks"):
        storage.delete(entry.name)

    assert list(storage.list("locks")) == []


@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_of_many_writers_of_one_name_exactly_one_wins(storage: Storage, size: int) -> None:
    contents = [bytes([number]) * size for number in range(4)]
    together = threading.Barrier(len(contents))

    def write(content: bytes) -> bool:
        together.wait()
        try:
            storage.put(NAME, content)
        except FileExists:
            return False
        return True

    with ThreadPoolExecutor(len(contents)) as threads:
        won = list(threads.map(write, contents))

    assert sum(won) == 1
    assert storage.get(NAME) == contents[won.index(True)]


def test_a_reader_never_sees_half_a_file(storage: Storage) -> None:
    content = os.urandom(MIB) * 4
    seen: set[int] = set()
    written = threading.Event()

    def read() -> None:
        while not written.is_set():
            with contextlib.suppress(FileMissing):
                seen.add(len(storage.get(NAME)))

    with ThreadPoolExecutor(1) as threads:
        reader = threads.submit(read)
        try:
            storage.put(NAME, content)
        finally:
            written.set()
        reader.result(timeout=180)
    seen.add(len(storage.get(NAME)))

    assert seen == {len(content)}


def test_threads_share_a_storage(storage: Storage) -> None:
    def round_trip(number: int) -> bytes:
        name = f"data/{number:02x}/{number}"
        storage.put(name, b"%d" % number)
        return storage.read(name, 0, storage.size(name))

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(round_trip, range(40)))

    assert found == [b"%d" % number for number in range(40)]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_can_use_what_its_parent_uses(storage: Storage, kind: str) -> None:
    storage.put("locks/parent", b"parent")

    child = os.fork()
    if child == 0:
        _work_in_child(storage)
    _pid, status = os.waitpid(child, 0)

    assert status == 0
    if kind not in PROCESS_LOCAL:
        assert storage.get("locks/child") == b"parent"
        assert storage.get("locks/grandchild") == b"parent"


def _work_in_child(storage: Storage) -> None:
    # A child that hangs must not hang the suite.
    signal.alarm(180)
    outcome = 1
    try:
        storage.put("locks/child", storage.get("locks/parent"))
        grandchild = os.fork()
        if grandchild == 0:
            signal.alarm(180)
            storage.put("locks/grandchild", storage.get("locks/child"))
            outcome = 0
        else:
            outcome = os.waitpid(grandchild, 0)[1]
    finally:
        os._exit(1 if outcome else 0)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../out", "a/../../out", "a//b", "a/", "a\0b"])
def test_a_name_cannot_lead_out_of_the_storage(storage: Storage, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        storage.put(name, b"")
    with pytest.raises(ValueError, match="not a name"):
        storage.get(name)
    with pytest.raises(ValueError, match="not a name"):
        storage.delete(name)


def test_a_name_that_no_listing_shows_is_refused(storage: Storage) -> None:
    with pytest.raises(ValueError, match="reserved"):
        storage.put("data/ab-tmp-1", b"")


def test_errors_say_where_and_what(storage: Storage) -> None:
    with pytest.raises(HoldfastError) as caught:
        storage.get(NAME)

    assert storage.place in str(caught.value)
    assert NAME in str(caught.value)


def test_a_storage_knows_its_place_and_how_many_calls_it_rewards(storage: Storage) -> None:
    assert storage.place
    assert storage.parallel >= 1
    assert storage.lists_at_once in (True, False)
