"""What a storage promises. Proven by tests/contract/test_storage.py over every one of them."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

# Anything that exposes contiguous bytes; packs come as views into reused buffers.
Content = bytes | bytearray | memoryview


class Entry(NamedTuple):
    """One file in a storage."""

    name: str
    size: int


class Storage(Protocol):
    """Named files that appear whole or not at all.

    Names are relative paths with "/" as separator, as in "data/ab/abcd…". Promises:

    - put is atomic and durable on return; a reader never sees half a file
    - put of an existing name raises FileExists and leaves the old content
    - get, read and size of a missing name raise FileMissing
    - read returns exactly `length` bytes, or raises FileTooShort
    - delete of a missing name is fine
    - list names every file below a folder once, in any order, and none outside it; "" is all;
      a missing folder is empty
    - a place that is gone raises PlaceMissing or ContainerMissing, and is never made anew
    - all methods may be called from several threads, and after a fork
    - a name that leads out of the storage is a ValueError, as is a put of a "-tmp-" name
    """

    @property
    def place(self) -> str:
        """The location as a person would type it, without secrets."""

    @property
    def parallel(self) -> int:
        """How many calls at once this storage rewards."""

    @property
    def lists_at_once(self) -> bool:
        """Whether every listing begun after a put has returned shows it, to whomever works here."""

    def put(self, name: str, content: Content) -> None: ...

    def get(self, name: str) -> bytes: ...

    def read(self, name: str, offset: int, length: int) -> bytes: ...

    def size(self, name: str) -> int: ...

    def list(self, folder: str) -> Iterator[Entry]: ...

    def delete(self, name: str) -> None: ...
