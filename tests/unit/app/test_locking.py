from holdfast.app.locking import held
from holdfast.app.prune import prune
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.vaults import add_point, blob_of, open_vault, small_vault
from holdfast.vault.layout import LOCKS
from holdfast.vault.pack_header import Kind


def test_what_was_pruned_before_the_lock_is_not_relied_on_under_it() -> None:
    storage = MemoryStorage()
    vault = small_vault(storage)
    point = add_point(vault, {"a": b"1"})
    assert vault.index.has(Kind.DATA, blob_of(b"1"))
    other = open_vault(storage)
    other.delete_snapshot(point.id)
    prune(other)

    with held(vault):
        assert not vault.index.has(Kind.DATA, blob_of(b"1"))


def test_a_lock_goes_also_when_the_work_fails() -> None:
    storage = MemoryStorage()
    vault = small_vault(storage)

    try:
        with held(vault):
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass

    assert list(storage.list(LOCKS)) == []
