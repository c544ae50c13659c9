"""A storage that can be read and only seems to be written, for dry runs."""

from collections.abc import Iterator

from holdfast.storage.protocol import Content, Entry, Storage


class DryStorage:
    """Everything of another storage, but nothing that is put or deleted happens."""

    def __init__(self, real: Storage) -> None:
        self._real = real

    @property
    def place(self) -> str:
        return self._real.place

    @property
    def parallel(self) -> int:
        return self._real.parallel

    @property
    def lists_at_once(self) -> bool:
        return self._real.lists_at_once

    def put(self, name: str, content: Content) -> None:
        """Nothing: a dry run stores nothing."""

    def delete(self, name: str) -> None:
        """Nothing: a dry run removes nothing."""

    def get(self, name: str) -> bytes:
        return self._real.get(name)

    def read(self, name: str, offset: int, length: int) -> bytes:
        return self._real.read(name, offset, length)

    def size(self, name: str) -> int:
        return self._real.size(name)

    def list(self, folder: str) -> Iterator[Entry]:
        return self._real.list(folder)
