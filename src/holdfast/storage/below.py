"""A folder of a storage, as a storage of its own."""

from collections.abc import Iterator
from datetime import datetime

from holdfast.storage import arriving
from holdfast.storage.arriving import Arrival
from holdfast.storage.dated import modified
from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.names import checked, folder_prefix
from holdfast.storage.protocol import Content, Entry, Storage


class BelowStorage(ForwardingStorage):
    def __init__(self, inner: Storage, folder: str) -> None:
        super().__init__(inner)
        self._prefix = folder_prefix(folder)

    @property
    def place(self) -> str:
        return f"{self._inner.place}/{self._prefix.rstrip('/')}"

    def put(self, name: str, content: Content) -> None:
        self._inner.put(self._full(name), content)

    def get(self, name: str) -> bytes:
        return self._inner.get(self._full(name))

    def read(self, name: str, offset: int, length: int) -> bytes:
        return self._inner.read(self._full(name), offset, length)

    def size(self, name: str) -> int:
        return self._inner.size(self._full(name))

    def list(self, folder: str) -> Iterator[Entry]:
        for entry in self._inner.list(self._prefix + folder):
            yield Entry(entry.name.removeprefix(self._prefix), entry.size)

    def delete(self, name: str) -> None:
        self._inner.delete(self._full(name))

    def begin(self, name: str) -> Arrival:
        return arriving.begin(self._inner, self._full(name))

    def modified(self, name: str) -> datetime | None:
        return modified(self._inner, self._full(name))

    def _full(self, name: str) -> str:
        return self._prefix + checked(name)
