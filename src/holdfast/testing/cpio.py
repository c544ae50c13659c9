"""The archive a kernel unpacks as its first file system: newc, as in its buffer-format.rst.

Written here, since the program of that name wants the files on a disk and root for the devices.
"""

import stat
from dataclasses import dataclass, field
from pathlib import PurePosixPath

_MAGIC = b"070701"
_END = "TRAILER!!!"
_FOLDER = stat.S_IFDIR | 0o755
_CONSOLE = (5, 1)


@dataclass(slots=True)
class Archive:
    """Folders on the way to a file are made as needed."""

    _parts: list[bytes] = field(default_factory=list)
    _folders: set[PurePosixPath] = field(default_factory=lambda: {PurePosixPath()})

    def add_folder(self, path: str) -> None:
        place = PurePosixPath(path)
        for folder in (*reversed(place.parents), place):
            if folder not in self._folders:
                self._folders.add(folder)
                self._add(str(folder), _FOLDER)

    def add_file(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        self.add_folder(str(PurePosixPath(path).parent))
        self._add(path, stat.S_IFREG | mode, content)

    def add_console(self) -> None:
        """Without it the first process speaks to nobody until it has mounted its devices."""
        self.add_folder("dev")
        self._add("dev/console", stat.S_IFCHR | 0o600, device=_CONSOLE)

    def content(self) -> bytes:
        return b"".join([*self._parts, _entry(_END, 0, b"", number=0, device=(0, 0))])

    def _add(
        self, path: str, mode: int, content: bytes = b"", *, device: tuple[int, int] = (0, 0)
    ) -> None:
        number = len(self._parts) + 1
        self._parts.append(_entry(path, mode, content, number=number, device=device))


def _entry(path: str, mode: int, content: bytes, *, number: int, device: tuple[int, int]) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    # Number, mode, owner, group, links, time, size, device of the file system, of the node, name.
    numbers = (number, mode, 0, 0, links, 0, len(content), 0, 0, *device, len(name), 0)
    head = _MAGIC + b"".join(b"%08X" % value for value in numbers) + name
    return _padded(head) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 4)
