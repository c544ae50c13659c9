import random

import pytest

from holdfast.app.locking import locks_of
from holdfast.app.prune import prune
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.rest_errors import StillImmutable
from holdfast.testing.vaults import add_point, blob_of, open_vault, read_all, small_vault
from holdfast.vault.compression import Compressor
from holdfast.vault.errors import VaultLocked
from holdfast.vault.index_writer import write_index
from holdfast.vault.layout import DATA, INDEX, LOCKS
from holdfast.vault.pack_builder import PackBuffer, PackBuilder
from holdfast.vault.pack_header import Kind
from holdfast.vault.pack_writer import PackWriter, put_pack
from holdfast.vault.policy.prune import PruneLimits
from holdfast.vault.prune import Prune, Stage
from holdfast.vault.repository import Repository
from holdfast.vault.upkeep_errors import PruneRefused

CLEAN = PruneLimits(max_unused=0)


@pytest.fixture
def vault() -> Repository:
    return small_vault()


def content(seed: int, size: int = 4000) -> bytes:
    """Bytes that do not compress, so that sizes mean something."""
    return random.Random(seed).randbytes(size)


def packs(vault: Repository) -> set[str]:
    return {entry.name for entry in vault.storage.list(DATA)}


def test_a_vault_in_order_is_left_alone(vault: Repository) -> None:
    add_point(vault, {"a": content(1)})
    before = {entry.name for entry in vault.storage.list("")}

    result = prune(vault)

    assert result.plan.is_empty
    assert {entry.name for entry in vault.storage.list("")} == before


def test_what_only_a_forgotten_point_needed_goes(vault: Repository) -> None:
    old = add_point(vault, {"a": content(1)})
    doomed = packs(vault)
    kept = add_point(vault, {"b": content(2)})
    vault.delete_snapshot(old.id)

    result = prune(vault)

    assert result.deleted == len(doomed) == 2
    assert not doomed & packs(vault)
    assert read_all(open_vault(vault.storage)) == {kept.id: {"b": content(2)}}
    assert result.plan.bytes_freed > 4000


def test_what_is_left_of_a_pack_is_copied(vault: Repository) -> None:
    files = {f"{number}": content(number) for number in range(8)}
    old = add_point(vault, files)
    kept = add_point(vault, {"3": files["3"], "5": files["5"]})
    vault.delete_snapshot(old.id)

    plan = prune(vault, limits=CLEAN).plan

    assert plan.packs_repacked == 1
    assert read_all(open_vault(vault.storage)) == {kept.id: {"3": files["3"], "5": files["5"]}}
    assert sum(entry.size for entry in vault.storage.list(DATA)) < 10_000
    assert prune(vault, limits=CLEAN).plan.is_empty


def test_a_dry_run_says_what_would_happen_and_changes_nothing(vault: Repository) -> None:
    old = add_point(vault, {"a": content(1), "b": content(2)})
    add_point(vault, {"b": content(2)})
    vault.delete_snapshot(old.id)
    before = {entry.name for entry in vault.storage.list("")}

    result = prune(vault, limits=CLEAN, dry_run=True)

    assert {entry.name for entry in vault.storage.list("")} == before
    assert result.deleted == 0
    assert (result.plan.points, result.plan.packs_repacked) == (1, 1)
    assert 4000 < result.plan.bytes_freed < 5000


def test_packs_no_index_names_go(vault: Repository) -> None:
    add_point(vault, {"a": content(1)})
    writer = PackWriter(vault.files)
    writer.add(Kind.DATA, content(2))
    writer.flush()

    result = prune(vault)

    assert result.plan.packs_unnamed == result.deleted == 1
    assert len(packs(vault)) == 2


def test_small_packs_and_small_index_files_are_merged(vault: Repository) -> None:
    for number in range(40):
        add_point(vault, {f"{number}": content(number, 100)})
    before = read_all(vault)

    prune(vault)

    assert len(packs(vault)) == 2
    assert len(list(vault.storage.list(INDEX))) <= 2
    assert read_all(open_vault(vault.storage)) == before


def test_copies_of_the_same_blobs_are_reduced_to_one(vault: Repository) -> None:
    add_point(vault, {"a": content(1), "b": content(2)})
    twin = open_vault(vault.storage)
    for number in (1, 2, 3):
        writer = PackWriter(vault.files)
        writer.add(Kind.DATA, content(1))
        writer.add(Kind.DATA, content(number))
        writer.finish()

    prune(twin, limits=CLEAN)

    assert sum(entry.size for entry in vault.storage.list(DATA)) < 10_000
    assert [*read_all(open_vault(vault.storage)).values()] == [{"a": content(1), "b": content(2)}]


def test_mixed_packs_are_split(vault: Repository) -> None:
    point = add_point(vault, {"a": content(1)})
    before = read_all(vault)
    tree = bytes(vault.load_blob(Kind.TREE, point.tree))
    for name in [entry.name for folder in (DATA, INDEX) for entry in vault.storage.list(folder)]:
        vault.storage.delete(name)
    write_mixed(vault, tree, content(1))

    plan = prune(open_vault(vault.storage)).plan

    assert plan.packs_repacked == 1
    assert len(packs(vault)) == 2
    assert read_all(open_vault(vault.storage)) == before


def write_mixed(vault: Repository, tree: bytes, data: bytes) -> None:
    builder = PackBuilder(vault.files.sealer, Compressor(), PackBuffer())
    builder.add(Kind.TREE, blob_of(tree), tree)
    builder.add(Kind.DATA, blob_of(data), data)
    write_index(vault.files, [(put_pack(vault.storage, builder.finish()), builder.spans)])


def test_a_point_made_during_the_prune_keeps_what_it_came_to_need(vault: Repository) -> None:
    old = add_point(vault, {"a": content(1), "b": content(2)})
    add_point(vault, {"b": content(2)})
    vault.delete_snapshot(old.id)
    work = Prune(vault, limits=CLEAN)
    work.plan()

    late = add_point(vault, {"a": content(1), "c": content(3)})
    work.copy(lambda: None)
    work.finish(lambda: None)

    assert read_all(open_vault(vault.storage))[late.id] == {"a": content(1), "c": content(3)}
    assert len(read_all(open_vault(vault.storage))) == 2


def test_a_point_forgotten_during_the_prune_does_no_harm(vault: Repository) -> None:
    old = add_point(vault, {"a": content(1), "b": content(2)})
    kept = add_point(vault, {"b": content(2)})
    work = Prune(vault, limits=CLEAN)
    work.plan()

    vault.delete_snapshot(old.id)
    work.copy(lambda: None)
    work.finish(lambda: None)

    assert read_all(open_vault(vault.storage)) == {kept.id: {"b": content(2)}}


@pytest.mark.parametrize("folder", [DATA, INDEX])
def test_a_missing_file_stops_the_prune_before_it_deletes(vault: Repository, folder: str) -> None:
    add_point(vault, {"a": content(1)})
    vault.delete_snapshot(add_point(vault, {"b": content(2)}).id)
    vault.storage.delete(next(entry.name for entry in vault.storage.list(folder)))
    before = {entry.name for entry in vault.storage.list("")}

    with pytest.raises(PruneRefused, match=vault.storage.place):
        prune(open_vault(vault.storage), limits=CLEAN)

    assert {entry.name for entry in vault.storage.list("")} == before


def test_damage_in_what_is_copied_stops_the_prune_before_it_deletes() -> None:
    storage = MemoryStorage()
    vault = small_vault(storage)
    old = add_point(vault, {"a": content(1), "b": content(2)})
    add_point(vault, {"b": content(2)})
    vault.delete_snapshot(old.id)
    location = vault.index.find(Kind.DATA, blob_of(content(2)))
    assert location is not None
    name = f"{DATA}/{location.pack.hex()[:2]}/{location.pack.hex()}"
    damaged = bytearray(storage.get(name))
    damaged[location.offset + 100] ^= 1
    storage.delete(name)
    storage.put(name, damaged)
    before = packs(vault)

    with pytest.raises(PruneRefused, match=blob_of(content(2)).hex()):
        prune(vault, limits=CLEAN)

    assert packs(vault) >= before


def test_prune_copies_beside_a_reader_but_deletes_alone(vault: Repository) -> None:
    vault.delete_snapshot(add_point(vault, {"a": content(1)}).id)
    before = packs(vault)
    reader = locks_of(vault).acquire()

    with pytest.raises(VaultLocked):
        prune(vault)
    assert packs(vault) == before

    reader.release()
    prune(vault)
    assert packs(vault) == set()
    assert list(vault.storage.list(LOCKS)) == []


def test_progress_is_told_by_stage(vault: Repository) -> None:
    old = add_point(vault, {"a": content(1), "b/c": content(2)})
    add_point(vault, {"b/c": content(2)})
    vault.delete_snapshot(old.id)
    told: list[tuple[Stage, int, int]] = []

    prune(vault, limits=CLEAN, report=lambda *what: told.append(what))

    assert (Stage.WALK, 2, 0) in told
    assert told[-1][0] is Stage.DELETE
    assert told[-1][1] == told[-1][2]
    copied = [what for what in told if what[0] is Stage.COPY]
    assert copied[-1][1] == copied[-1][2] > 4000


class Immutable(MemoryStorage):
    """Keeps every file it held when it was closed, until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: frozenset[str] = frozenset()

    def close(self, *folders: str) -> None:
        self.kept = frozenset(entry.name for folder in folders for entry in self.list(folder))

    def delete(self, name: str) -> None:
        if name in self.kept:
            raise StillImmutable(place=self.place, name=name, days=30)
        super().delete(name)


@pytest.mark.parametrize("folders", [(DATA,), (INDEX,), (DATA, INDEX)])
def test_what_an_immutable_vault_keeps_is_left_for_a_later_prune(folders: tuple[str, ...]) -> None:
    storage = Immutable()
    vault = small_vault(storage)
    old = add_point(vault, {f"{number}": content(number) for number in range(8)})
    kept = add_point(vault, {"3": content(3)})
    vault.delete_snapshot(old.id)
    before = sum(entry.size for entry in storage.list(DATA))
    storage.close(*folders)

    young = prune(vault, limits=CLEAN)
    whole = read_all(open_vault(storage))
    storage.close()
    done = prune(open_vault(storage), limits=CLEAN)

    assert young.too_young == 2
    assert young.deleted == 0
    assert whole == {kept.id: {"3": content(3)}}
    assert done.too_young == 0
    assert sum(entry.size for entry in storage.list(DATA)) < before / 3
    assert read_all(open_vault(storage)) == whole


def test_prunes_of_a_young_vault_do_not_copy_again_and_again() -> None:
    storage = Immutable()
    vault = small_vault(storage)
    old = add_point(vault, {f"{number}": content(number) for number in range(8)})
    add_point(vault, {"3": content(3)})
    vault.delete_snapshot(old.id)
    storage.close(DATA, INDEX)
    prune(vault, limits=CLEAN)
    before = {entry.name for entry in storage.list("")}

    prune(open_vault(storage), limits=CLEAN)

    assert {entry.name for entry in storage.list("")} == before
