"""The small files of a repository: index, snapshots, locks. Compressed, sealed, named by content."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator

from holdfast.base.ids import FileId, is_file_id
from holdfast.storage.errors import FileExists
from holdfast.storage.protocol import Storage
from holdfast.vault.compression import MAX_PLAIN, ZstdError, compress, decompress
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.errors import FileUnreadable

_ZSTD_MARK = 2


class SealedFiles:
    """Loads and saves them; may be used from several threads."""

    def __init__(self, storage: Storage, master: MasterKey) -> None:
        self.storage = storage
        self.master = master
        self._local = threading.local()

    @property
    def sealer(self) -> Sealer:
        """This thread's own: cipher contexts are not to be shared."""
        found: Sealer | None = getattr(self._local, "sealer", None)
        if found is None:
            found = self._local.sealer = Sealer(self.master)
        return found

    def names(self, folder: str) -> Iterator[FileId]:
        """The ids in a folder; anything that is not named like one is not ours."""
        for entry in self.storage.list(folder):
            name = entry.name.rpartition("/")[2]
            if is_file_id(name):
                yield FileId(name)

    def load(self, folder: str, name: FileId) -> bytes:
        path = f"{folder}/{name}"
        stored = self.storage.get(path)
        if hashlib.sha256(stored).hexdigest() != name:
            raise FileUnreadable(name=path, reason="its content does not match its name")
        return unpack(path, bytes(self.sealer.open(stored, what=path)))

    def save(self, folder: str, content: bytes) -> FileId:
        stored = self.sealer.seal(bytes([_ZSTD_MARK]) + compress(content))
        name = FileId(hashlib.sha256(stored).hexdigest())
        self.storage.put(f"{folder}/{name}", stored)
        return name

    def delete(self, folder: str, name: FileId) -> None:
        self.storage.delete(f"{folder}/{name}")


def unpack(path: str, plain: bytes) -> bytes:
    """The JSON of a decrypted file, compressed or, as older clients left it, bare."""
    if plain[:1] in (b"{", b"["):
        return plain
    if not plain or plain[0] != _ZSTD_MARK:
        raise FileUnreadable(name=path, reason=f"unknown encoding {plain[:1].hex() or 'empty'}")
    try:
        return decompress(memoryview(plain)[1:], limit=MAX_PLAIN)
    except ZstdError as err:
        raise FileUnreadable(name=path, reason=err) from err


def put_named(storage: Storage, folder: str, content: bytes) -> FileId:
    """Store bytes under their own hash; the same bytes twice are one file."""
    name = FileId(hashlib.sha256(content).hexdigest())
    with contextlib.suppress(FileExists):
        storage.put(f"{folder}/{name}", content)
    return name
