"""Did a write whose reply was lost arrive? The storage itself is the witness."""

from holdfast.base.units import KIB, MIB
from holdfast.storage.errors import FileMissing, FileTooShort
from holdfast.storage.protocol import Content, Storage

_SMALL = MIB
_SAMPLE = 64 * KIB


def holds(storage: Storage, name: str, content: Content) -> bool:
    """Whether the storage has the file with this content.

    A large file is judged by its size and its two ends: storages write whole files or none, and
    the names of large files are hashes of their content.
    """
    wanted = memoryview(content)
    try:
        if storage.size(name) != len(wanted):
            return False
        if len(wanted) <= _SMALL:
            return storage.get(name) == wanted
        tail_at = len(wanted) - _SAMPLE
        return (
            storage.read(name, 0, _SAMPLE) == wanted[:_SAMPLE]
            and storage.read(name, tail_at, _SAMPLE) == wanted[tail_at:]
        )
    except (FileMissing, FileTooShort):
        return False
