"""A dry run reads everything and stores nothing."""

from holdfast.app.dry_storage import DryStorage
from holdfast.storage.memory import MemoryStorage


def test_nothing_is_written_and_everything_can_be_read() -> None:
    real = MemoryStorage()
    real.put("data/old", b"kept")
    dry = DryStorage(real)

    dry.put("data/new", b"lost")
    dry.delete("data/old")

    assert [entry.name for entry in dry.list("data")] == ["data/old"]
    assert dry.get("data/old") == dry.read("data/old", 0, dry.size("data/old")) == b"kept"
