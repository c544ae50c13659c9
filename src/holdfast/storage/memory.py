"""A storage in memory: for tests, and the simplest reading of the contract."""

import threading
from collections.abc import Iterator

from holdfast.storage.errors import FileExists, FileMissing, FileTooShort
from holdfast.storage.names import checked, checked_for_writing, folder_prefix
from holdfast.storage.protocol import Content, Entry


class MemoryStorage:
    place = "memory:"
    parallel = 2
    lists_at_once = False  # as most do not: it stands for any storage in tests

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, name: str, content: Content) -> None:
        checked_for_writing(name)
        with self._lock:
            if name in self._files:
                raise FileExists(place=self.place, name=name)
            self._files[name] = bytes(content)

    def get(self, name: str) -> bytes:
        try:
            return self._files[checked(name)]
        except KeyError as err:
            raise FileMissing(place=self.place, name=name) from err

    def read(self, name: str, offset: int, length: int) -> bytes:
        content = self.get(name)[offset : offset + length]
        if len(content) < length:
            raise FileTooShort(
                place=self.place, name=name, seen=offset + len(content), wanted=offset + length
            )
        return content

    def size(self, name: str) -> int:
        return len(self.get(name))

    def list(self, folder: str) -> Iterator[Entry]:
        prefix = folder_prefix(folder)
        with self._lock:
            found = [
                Entry(name, len(content))
                for name, content in self._files.items()
                if name.startswith(prefix)
            ]
        return iter(found)

    def delete(self, name: str) -> None:
        with self._lock:
            self._files.pop(checked(name), None)
