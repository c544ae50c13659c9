from holdfast.storage.memory import MemoryStorage
from holdfast.testing.vaults import add_point, open_vault, read_all, small_vault

FILES = {"a": b"one", "b/c": b"two" * 100, "b/d/e": b"", "b/ü\udcff": b"three"}


def test_what_went_in_comes_out_of_a_vault_opened_anew() -> None:
    storage = MemoryStorage()
    snapshot = add_point(small_vault(storage), FILES, chunk=64, tags=["first"])

    found = open_vault(storage)

    assert read_all(found) == {snapshot.id: FILES}
    assert found.snapshots()[0].tags == {"first"}


def test_a_second_equal_point_adds_only_its_snapshot() -> None:
    storage = MemoryStorage()
    vault = small_vault(storage)
    add_point(vault, FILES)
    before = {entry.name for entry in storage.list("")}

    second = add_point(vault, FILES, host="beta")

    after = {entry.name for entry in storage.list("")}
    assert after - before == {f"snapshots/{second.id}"}
