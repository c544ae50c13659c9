"""A directory a hostile part is built in, and the note of what this machine refused to make."""

import os
from collections.abc import Callable
from pathlib import Path


class Plot:
    """One part's own directory. What the kernel or file system refuses is noted, not raised."""

    def __init__(self, root: Path) -> None:
        self.path = os.fsencode(root)
        self.name = root.name
        self.refused: list[str] = []
        os.makedirs(self.path, exist_ok=True)

    def at(self, name: bytes | str) -> bytes:
        return os.path.join(self.path, os.fsencode(name))

    def file(self, name: bytes | str, content: bytes = b"content\n") -> bytes:
        """Write a file and return its path."""
        path = self.at(name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def folder(self, name: bytes | str) -> bytes:
        path = self.at(name)
        os.makedirs(path, exist_ok=True)
        return path

    def attempt(self, what: str, make: Callable[[], object]) -> None:
        """Make something that needs a right or a file system feature that may be missing."""
        try:
            make()
        except OSError as err:
            self.refused.append(f"{self.name}: {what}: {err.strerror}")
