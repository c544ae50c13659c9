"""Since when a storage holds a file, where it can tell."""

from datetime import datetime
from typing import Protocol, runtime_checkable

from holdfast.storage.protocol import Storage


@runtime_checkable
class Dated(Protocol):
    def modified(self, name: str) -> datetime | None: ...


def modified(storage: Storage, name: str) -> datetime | None:
    """When the file was stored, None where that is not known; FileMissing as `size` raises it."""
    if isinstance(storage, Dated):
        return storage.modified(name)
    storage.size(name)
    return None
