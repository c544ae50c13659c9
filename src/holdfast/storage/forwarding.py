"""The part of a storage around a storage that is the same for all of them."""

from collections.abc import Iterator

from holdfast.storage.protocol import Content, Entry, Storage


class ForwardingStorage:
    """Hands every call on; what stands around a storage for a reason changes those it is about."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner

    @property
    def place(self) -> str:
        return self._inner.place

    @property
    def parallel(self) -> int:
        return self._inner.parallel

    @property
    def lists_at_once(self) -> bool:
        return self._inner.lists_at_once

    def put(self, name: str, content: Content) -> None:
        self._inner.put(name, content)

    def get(self, name: str) -> bytes:
        return self._inner.get(name)

    def read(self, name: str, offset: int, length: int) -> bytes:
        return self._inner.read(name, offset, length)

    def size(self, name: str) -> int:
        return self._inner.size(name)

    def list(self, folder: str) -> Iterator[Entry]:
        return self._inner.list(folder)

    def delete(self, name: str) -> None:
        self._inner.delete(name)
