"""The index table in scratch: believed only as long as it fits the vault."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.base.ids import FileId
from holdfast.storage.errors import FileMissing
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.big_index import add_index, blob_at
from holdfast.testing.damage import overwrite
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import open_vault, small_vault
from holdfast.vault import index_cache
from holdfast.vault.blob_index import BlobIndex
from holdfast.vault.errors import EnvelopeBroken, FileUnreadable
from holdfast.vault.index_cache import TABLE, load_index
from holdfast.vault.index_table import IndexTable, open_table
from holdfast.vault.layout import INDEX
from holdfast.vault.pack_header import Kind
from holdfast.vault.repository import Repository

BLOBS = 500


@pytest.fixture(autouse=True)
def _tables_for_few_blobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_cache, "_SMALL", 50)


@pytest.fixture
def vault() -> Repository:
    vault = small_vault()
    add_index(vault, BLOBS)
    return vault


class Warnings(list[str]):
    def __call__(self, warning: str) -> None:
        self.append(warning)


def loaded(vault: Repository, cache: Path | None, warn: Callable[[str], None]) -> BlobIndex:
    return load_index(vault.files, cache=str(cache) if cache else None, warn=warn)


def knows_all(index: BlobIndex, blobs: int = BLOBS) -> bool:
    kinds = [[index.has(kind, blob_at(number)) for kind in Kind] for number in range(blobs)]
    return all(sum(found) == 1 for found in kinds) and not index.has(Kind.DATA, blob_at(blobs))


@pytest.mark.parametrize("has_cache", [True, False])
def test_every_blob_is_found(vault: Repository, tmp_path: Path, has_cache: bool) -> None:
    warnings = Warnings()

    index = loaded(vault, tmp_path if has_cache else None, warnings)

    assert knows_all(index)
    assert len(index) == BLOBS
    assert len(list(index.packs())) == -(-BLOBS // 16)
    assert warnings == []


def test_a_second_opening_reads_no_index_file_again(vault: Repository, tmp_path: Path) -> None:
    loaded(vault, tmp_path, Warnings())
    faulty = FaultyStorage(vault.storage)
    (name,) = vault.files.names(INDEX)
    faulty.fail("get", FileMissing(place="", name=""), name=f"{INDEX}/{name}")

    index = loaded(open_vault(faulty), tmp_path, Warnings())

    assert knows_all(index)
    assert len(faulty.unused()) == 1


def test_what_came_since_is_added(vault: Repository, tmp_path: Path) -> None:
    loaded(vault, tmp_path, Warnings())
    add_index(vault, 20, first=BLOBS)

    index = loaded(vault, tmp_path, Warnings())

    assert knows_all(index, BLOBS + 20)
    assert index.recent_blobs == 20


def test_an_outgrown_table_takes_in_what_came_since(vault: Repository, tmp_path: Path) -> None:
    loaded(vault, tmp_path, Warnings())
    add_index(vault, 2 * BLOBS, first=BLOBS)

    index = loaded(vault, tmp_path, Warnings())

    assert knows_all(index, 3 * BLOBS)
    assert index.recent_blobs == 0


def truncated(content: bytes) -> bytes:
    return content[:-1]


def flipped(content: bytes) -> bytes:
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


HURT: dict[str, Callable[[bytes], bytes]] = {
    "truncated": truncated,
    "halved": lambda content: content[: len(content) // 2],
    "empty": lambda _: b"",
    "flipped": flipped,
    "flipped head": lambda content: b"X" + content[1:],
    "text": lambda _: b"no table at all",
}


@pytest.mark.parametrize("hurt", HURT)
def test_a_damaged_table_is_made_anew_with_a_warning(
    vault: Repository, tmp_path: Path, hurt: str
) -> None:
    loaded(vault, tmp_path, Warnings())
    table = tmp_path / TABLE
    table.write_bytes(HURT[hurt](table.read_bytes()))
    warnings = Warnings()

    index = loaded(vault, tmp_path, warnings)

    assert knows_all(index)
    assert len(warnings) == 1
    assert loaded(vault, tmp_path, warnings).recent_blobs == 0
    assert len(warnings) == 1


def test_of_many_who_find_a_table_stale_one_says_so(
    vault: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(vault, tmp_path, Warnings())
    (tmp_path / TABLE).write_bytes(b"stale")

    def opened(path: str, sources: frozenset[str]) -> IndexTable:
        try:
            return open_table(path, sources)
        finally:
            # Meanwhile another process has done what we are about to do.
            Path(path).unlink()

    monkeypatch.setattr(index_cache, "open_table", opened)
    warnings = Warnings()

    found = index_cache._open_cached(str(tmp_path), frozenset(), warnings)

    assert found is None
    assert warnings == []


def test_every_byte_of_a_table_is_checked(vault: Repository, tmp_path: Path) -> None:
    loaded(vault, tmp_path, Warnings())
    table = tmp_path / TABLE
    whole = table.read_bytes()

    for at in range(0, len(whole), 97):
        table.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        warnings = Warnings()
        assert knows_all(loaded(vault, tmp_path, warnings))
        assert len(warnings) == 1


def test_a_table_of_another_vault_is_not_believed(vault: Repository, tmp_path: Path) -> None:
    other = small_vault()
    add_index(other, BLOBS, first=BLOBS)
    loaded(other, tmp_path, Warnings())
    warnings = Warnings()

    index = loaded(vault, tmp_path, warnings)

    assert knows_all(index)
    assert len(warnings) == 1


def test_a_table_is_not_believed_when_an_index_file_is_gone(
    vault: Repository, tmp_path: Path
) -> None:
    (old,) = vault.files.names(INDEX)
    add_index(vault, 100, first=BLOBS)
    loaded(vault, tmp_path, Warnings())
    vault.files.delete(INDEX, old)
    warnings = Warnings()

    index = loaded(vault, tmp_path, warnings)

    assert not index.has(Kind.DATA, blob_at(20))
    assert index.has(Kind.DATA, blob_at(BLOBS + 40))
    assert len(warnings) == 1


def test_a_cache_that_cannot_be_written_costs_only_a_warning(
    vault: Repository, tmp_path: Path
) -> None:
    warnings = Warnings()

    index = loaded(vault, tmp_path / "missing", warnings)

    assert knows_all(index)
    assert len(warnings) == 1


def test_a_damaged_index_file_is_named(vault: Repository) -> None:
    (name,) = vault.files.names(INDEX)
    stored = vault.storage.get(f"{INDEX}/{name}")
    overwrite(vault.storage, f"{INDEX}/{name}", stored[:-1])

    with pytest.raises((FileUnreadable, EnvelopeBroken), match=name):
        loaded(vault, None, Warnings())


def test_an_index_file_that_a_prune_replaced_meanwhile_is_no_error(vault: Repository) -> None:
    faulty = FaultyStorage(vault.storage)
    (name,) = vault.files.names(INDEX)
    faulty.fail("get", FileMissing(place="", name=""), name=f"{INDEX}/{name}")

    index = loaded(open_vault(faulty), None, Warnings())

    assert knows_all(index)
    assert faulty.unused() == []


def test_what_is_not_named_like_an_index_file_is_passed_over() -> None:
    storage = MemoryStorage()
    vault = small_vault(storage)
    storage.put("index/README", b"hello")

    assert len(loaded(vault, None, Warnings())) == 0


def test_forked_workers_read_what_one_process_reads(
    vault: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for start in range(1, 5):
        add_index(vault, BLOBS, first=start * BLOBS)
    monkeypatch.setattr(index_cache, "_WORTH_FORKING", 1)
    monkeypatch.setattr(index_cache, "cores", lambda: 3)

    assert knows_all(loaded(vault, None, Warnings()), 5 * BLOBS)


def test_an_error_in_a_worker_is_raised_here(
    vault: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_cache, "_WORTH_FORKING", 1)
    monkeypatch.setattr(index_cache, "cores", lambda: 2)
    add_index(vault, BLOBS, first=BLOBS)
    name = FileId("0" * 64)
    vault.storage.put(f"{INDEX}/{name}", b"x" * 100_000)

    with pytest.raises(FileUnreadable, match=name):
        loaded(vault, None, Warnings())
