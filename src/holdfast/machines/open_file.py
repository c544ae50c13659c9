"""A disk's file or device for as long as it is open."""

import os
from typing import Self


class OpenFile:
    """With a size it is given that; without one, its own is found, also a device's."""

    def __init__(self, path: str, flags: int, *, size: int | None = None) -> None:
        self.path = path
        self._descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            if size is not None:
                os.ftruncate(self._descriptor, size)
            self.size = os.lseek(self._descriptor, 0, os.SEEK_END)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
