"""Hurt the files of a vault as disks, people and thieves do."""

from collections.abc import Callable
from typing import Literal

from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Storage

Harm = Callable[[Storage, str], None]
Where = Literal["start", "middle", "end"]


def overwrite(storage: Storage, name: str, content: bytes) -> None:
    """Put other content under a name, which no storage of ours would do by itself."""
    storage.delete(name)
    storage.put(name, content)


def flip(where: Where) -> Harm:
    """Turn one bit of the first, the middle or the last byte."""

    def harm(storage: Storage, name: str) -> None:
        content = bytearray(storage.get(name))
        at = {"start": 0, "middle": len(content) // 2, "end": len(content) - 1}[where]
        content[at] ^= 1
        overwrite(storage, name, bytes(content))

    return harm


def truncate(storage: Storage, name: str) -> None:
    content = storage.get(name)
    overwrite(storage, name, content[: len(content) // 2])


def empty(storage: Storage, name: str) -> None:
    overwrite(storage, name, b"")


def delete(storage: Storage, name: str) -> None:
    storage.delete(name)


def swap(storage: Storage, name: str) -> None:
    """Exchange the content with another file of the same kind."""
    kind = name.partition("/")[0]
    other = next(entry.name for entry in storage.list(kind) if entry.name != name)
    mine, theirs = storage.get(name), storage.get(other)
    overwrite(storage, name, theirs)
    overwrite(storage, other, mine)


HARMS: dict[str, Harm] = {
    "flip-start": flip("start"),
    "flip-middle": flip("middle"),
    "flip-end": flip("end"),
    "truncate": truncate,
    "empty": empty,
    "delete": delete,
    "swap": swap,
}


def copy_of(storage: Storage) -> MemoryStorage:
    """The same files in memory, to be hurt at will."""
    copied = MemoryStorage()
    for entry in storage.list(""):
        copied.put(entry.name, storage.get(entry.name))
    return copied
