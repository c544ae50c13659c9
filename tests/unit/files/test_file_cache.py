"""The log of what the last backup saw: kept, found again, and never believed when damaged."""

import json
import os
import resource
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.files.backup import file_cache
from holdfast.files.backup.file_cache import (
    FileCache,
    RootRecord,
    Roots,
    decode_attributes,
    decode_list,
    encode_attributes,
    encode_list,
)
from holdfast.files.backup.log_records import Record
from holdfast.files.backup.messages import NO_RECORD

SNAPSHOT = "5" * 64


def record(number: int = 0, children: tuple[int, ...] = ()) -> Record:
    return Record(
        listing=encode_list([b"name", b"%d" % number]),
        payloads=encode_list([b"payload"]),
        attributes=encode_attributes({b"name": [("user.x", b"1")]}),
        tree=bytes(32),
        children=list(children),
    )


class Shelf:
    """A folder with one cache in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.warnings: list[str] = []
        self._opened: list[FileCache] = []

    def open(self) -> FileCache:
        """One more process at work, if those before were not closed."""
        cache = FileCache(str(self.root), "name", self.warnings.append)
        self._opened.append(cache)
        return cache

    def close(self) -> None:
        for cache in self._opened:
            cache.close()

    def fill(self, *records: Record) -> list[int]:
        cache = self.open()
        places = [cache.append(each) for each in records]
        roots = {"2f": RootRecord(places[-1], 7, "")}
        cache.commit(Roots(SNAPSHOT, ["a"], roots, files=3, size=4))
        cache.close()
        return places

    @property
    def log(self) -> Path:
        return self.root / "name.log"

    @property
    def roots(self) -> Path:
        return self.root / "name.roots"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path / "files")
    yield made
    made.close()


def test_lists_and_attributes_come_back() -> None:
    items = [b"", b"\xff\x00", b"x" * 70_000]
    attributes = {b"\xff": [("user.\u00e9", b"\x00\xff")], b"b": []}

    assert decode_list(encode_list(items)) == items
    assert decode_attributes(encode_attributes(attributes)) == attributes


def test_an_empty_folder_knows_nothing(shelf: Shelf) -> None:
    cache = shelf.open()

    assert (cache.roots, cache.record(0), cache.record(NO_RECORD)) == (None, None, None)
    assert shelf.warnings == []


def test_records_are_found_by_the_next_backup(shelf: Shelf) -> None:
    first, second = shelf.fill(record(1), record(2, (0,)))

    cache = shelf.open()

    assert cache.record(first) == record(1)
    assert cache.record(second) == record(2, (0,))
    assert cache.roots is not None
    assert cache.roots.roots["2f"].record == second
    assert (cache.roots.snapshot, cache.roots.files, cache.roots.size) == (SNAPSHOT, 3, 4)


def test_what_was_not_committed_is_not_there(shelf: Shelf) -> None:
    (first,) = shelf.fill(record(1))
    cache = shelf.open()
    lost = cache.append(record(2))
    cache.close()

    again = shelf.open()

    assert again.record(lost) is None
    assert again.record(first) == record(1)
    assert again.append(record(3)) == lost


def test_a_log_goes_on_where_it_was_valid(shelf: Shelf) -> None:
    (first,) = shelf.fill(record(1))

    (second,) = shelf.fill(record(2))

    cache = shelf.open()
    assert second > first
    assert [cache.record(place) for place in (first, second)] == [record(1), record(2)]


@pytest.mark.parametrize("offset", [1, 5, 10**6, 10**12, 2**63, 2**64 - 1, -5, -9, -(2**63)])
def test_a_place_where_no_record_begins_holds_none(shelf: Shelf, offset: int) -> None:
    shelf.fill(record(1), record(2))

    assert shelf.open().record(offset) is None


def test_a_record_with_a_flipped_bit_is_none(shelf: Shelf) -> None:
    places = shelf.fill(record(1), record(2))
    content = bytearray(shelf.log.read_bytes())
    content[-1] ^= 1
    shelf.log.write_bytes(content)

    cache = shelf.open()

    assert [cache.record(place) for place in places] == [record(1), None]


def test_a_log_that_is_too_short_is_not_used(shelf: Shelf) -> None:
    shelf.fill(record(1))
    os.truncate(shelf.log, shelf.log.stat().st_size - 1)

    cache = shelf.open()

    assert cache.roots is None
    assert len(shelf.warnings) == 1
    assert not shelf.log.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b"\xff", bytes(100), b'{"version":1}'],
)
def test_roots_that_are_none_are_thrown_away_with_a_word(shelf: Shelf, content: bytes) -> None:
    shelf.fill(record(1))
    shelf.roots.write_bytes(content)

    cache = shelf.open()

    assert cache.roots is None
    assert len(shelf.warnings) == 1
    assert not shelf.log.exists()


@pytest.mark.parametrize("change", ["length", "record", "inode", "snapshot", "log"])
def test_roots_that_were_changed_are_not_believed(shelf: Shelf, change: str) -> None:
    """Their numbers point into the log, and every number of it is a number."""
    shelf.fill(record(1))
    content = shelf.roots.read_bytes()
    shelf.roots.write_bytes(
        {
            "length": content.replace(b'"length":', b'"length":-'),
            "record": content.replace(b'"record":', b'"record":1'),
            "inode": content.replace(b'"inode":7', b'"inode":8'),
            "snapshot": content.replace(SNAPSHOT.encode(), b"../" + SNAPSHOT[3:].encode()),
            "log": content.replace(b"name.log", b"gone.log"),
        }[change]
    )

    cache = shelf.open()

    assert shelf.roots.exists() is False
    assert (cache.roots, len(shelf.warnings)) == (None, 1)


def test_another_version_is_not_read(shelf: Shelf) -> None:
    shelf.fill(record(1))
    _, _, body = shelf.roots.read_bytes().partition(b"\n")
    other = json.dumps({**json.loads(body), "version": 1}).encode()
    shelf.roots.write_bytes(b"%08x\n" % zlib.crc32(other) + other)

    assert shelf.open().roots is None


def test_a_missing_log_means_starting_anew(shelf: Shelf) -> None:
    shelf.fill(record(1))
    shelf.log.unlink()

    assert shelf.open().roots is None


def test_without_a_folder_nothing_is_kept() -> None:
    cache = FileCache(None, "name", list[str]().append)

    place = cache.append(record(1))
    cache.commit(Roots(SNAPSHOT, [], {}))
    cache.discard()
    cache.close()

    assert (place, cache.roots) == (NO_RECORD, None)


def test_a_full_disk_ends_the_cache_and_nothing_else(shelf: Shelf) -> None:
    shelf.fill(record(1))
    before = shelf.roots.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    cache = shelf.open()
    assert soft == resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (shelf.log.stat().st_size + 10, hard))
    try:
        place = cache.append(record(2))
        later = cache.append(record(3))
        cache.commit(Roots("6" * 64, [], {}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    cache.close()

    assert (place, later) == (NO_RECORD, NO_RECORD)
    assert shelf.roots.read_bytes() == before
    assert shelf.open().record(0) == record(1)


@pytest.mark.parametrize("obstacle", ["log is a folder", "roots are a folder", "files is a file"])
def test_what_stands_in_the_way_costs_the_cache_only(shelf: Shelf, obstacle: str) -> None:
    match obstacle:
        case "log is a folder":
            shelf.log.mkdir(parents=True)
        case "roots are a folder":
            shelf.roots.mkdir(parents=True)
        case _:
            shelf.root.write_bytes(b"")

    cache = shelf.open()
    cache.append(record(1))
    cache.commit(Roots(SNAPSHOT, [], {}))
    cache.discard()
    cache.close()

    assert shelf.open().roots is None


def test_two_at_once_do_not_write_into_one_log(shelf: Shelf) -> None:
    """The second works without a cache: records at one place would be neither's."""
    shelf.fill(record(1))
    first, second = shelf.open(), shelf.open()

    place, other = first.append(record(2)), second.append(record(3))
    first.commit(Roots("6" * 64, [], {"2f": RootRecord(place, 7, "")}))
    second.commit(Roots("7" * 64, [], {"2f": RootRecord(other, 7, "")}))
    second.discard()
    first.close()
    second.close()

    again = shelf.open()
    assert other == NO_RECORD
    assert again.roots is not None
    assert again.roots.snapshot == "6" * 64
    assert again.record(place) == record(2)


def test_a_log_of_mostly_dead_records_is_written_anew(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_cache, "_SMALL_LOG", 100)
    cache = shelf.open()
    leaf = cache.append(record(1))
    dead = [cache.append(record(number)) for number in range(2, 50)]
    top = cache.append(record(50, (leaf, NO_RECORD, dead[0], 10**9)))
    cache.commit(Roots(SNAPSHOT, [], {"2f": RootRecord(top, 7, "")}))
    cache.close()
    again = shelf.open()
    again.keep(top)

    again.commit(Roots("6" * 64, [], {"2f": RootRecord(top, 7, ""), "2e": RootRecord(-1, 8, "")}))
    again.close()

    rewritten = shelf.open()
    assert rewritten.roots is not None
    found = rewritten.record(rewritten.roots.roots["2f"].record)
    assert found is not None
    assert [rewritten.record(child) for child in found.children] == [
        *(record(1), None, record(2), None),
    ]
    assert rewritten.roots.roots["2e"].record == NO_RECORD
    assert not shelf.log.exists()
    assert len(list(shelf.root.glob("*.log"))) == 1
