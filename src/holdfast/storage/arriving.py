"""Files that arrive in pieces: of bounded memory, and whole in their storage or not at all."""

import mmap
from typing import Protocol, runtime_checkable

from holdfast.storage.names import checked_for_writing
from holdfast.storage.protocol import Content, Storage


class Arrival(Protocol):
    """One file on its way in. Until `commit` returns the storage does not have it."""

    def write(self, content: Content) -> None: ...

    def commit(self) -> None:
        """Durable, under its name; raises FileExists as `put` does."""

    def abort(self) -> None:
        """Leave nothing behind; after a commit, and a second time, it does nothing."""


@runtime_checkable
class TakesPieces(Protocol):
    """A storage that writes what arrives to where it will stay."""

    def begin(self, name: str) -> Arrival: ...


def begin(storage: Storage, name: str) -> Arrival:
    """Start a file; where the storage takes whole files only, it is spooled on the disk."""
    if isinstance(storage, TakesPieces):
        return storage.begin(name)
    return _Spooled(storage, name)


class _Spooled:
    """The kernel, not this process, decides how much of the spool is kept in memory."""

    def __init__(self, storage: Storage, name: str) -> None:
        self._storage = storage
        self._name = checked_for_writing(name)
        # Here, because most storages need none, and it takes its time to load.
        import tempfile

        self._spool = tempfile.TemporaryFile()  # noqa: SIM115  closed by commit or abort

    def write(self, content: Content) -> None:
        self._spool.write(content)

    def commit(self) -> None:
        self._spool.flush()
        if self._spool.tell() == 0:
            self._storage.put(self._name, b"")
        else:
            self._put_mapped()
        self.abort()

    def abort(self) -> None:
        self._spool.close()

    def _put_mapped(self) -> None:
        with (
            mmap.mmap(self._spool.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as whole,
        ):
            self._storage.put(self._name, whole)
