"""A file system whose disk can be made to fail, and be mended: everybody above has I/O errors.

It lies on a loop device, and that on a file which a small file system in user space passes on,
unless it is told to fail. Run as a program it is that one: it says "ready", and serves until it is
unmounted.
"""

import contextlib
import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from holdfast.base.units import MIB
from tests.guarded_mount import guarded_mount

_SIZE = 96 * MIB
_READY = "ready"
_PATIENCE = 90
_IMAGE = "/image"
_ROOT = Path(__file__).parents[1]


class FailingDisk:
    """`at` is where it is mounted."""

    def __init__(self, folder: Path) -> None:
        self.at = folder / "disk"
        self._bad = folder / "bad"
        self._below, self._content = folder / "below", folder / "content"

    @contextlib.contextmanager
    def mounted(self) -> Iterator["FailingDisk"]:
        self.at.mkdir()
        self._below.mkdir()
        with self._content.open("wb") as content:
            content.truncate(_SIZE)
        _run("mke2fs", "-q", "-t", "ext4", "-F", self._content)
        with _served(self._content, self._below, self._bad):
            self._mount()
            with guarded_mount(self.at):
                try:
                    yield self
                finally:
                    # A device that cannot be written to is not let go.
                    self._bad.unlink(missing_ok=True)

    def fail(self, *, reads: bool = True) -> None:
        """Of what is not there yet nothing can be written, and nothing at all be read."""
        os.sync()
        self._bad.write_text("reads" if reads else "")
        Path("/proc/sys/vm/drop_caches").write_text("3")

    def mend(self) -> None:
        """As a reboot does it: unmounted, its journal replayed, mounted."""
        self._bad.unlink()
        _run("umount", self.at)
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop", f"{self._below}{_IMAGE}", self.at)


def _run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


@contextlib.contextmanager
def _served(content: Path, at: Path, bad: Path) -> Iterator[None]:
    words = [sys.executable, "-m", __name__, str(content), str(at), str(bad)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != _READY:
                raise RuntimeError("the file system was not mounted")
            with guarded_mount(at):
                yield
        finally:
            process.terminate()
            process.wait(_PATIENCE)


class _Operations:
    """What mfusepy asks of a folder with one file."""

    use_ns = True

    def __init__(self, content: str, bad: str) -> None:
        self._file = os.open(content, os.O_RDWR)
        self._bad = bad

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def init(self, _path: str) -> None:
        sys.stdout.write(f"{_READY}\n")
        sys.stdout.flush()

    def getattr(self, path: str, _handle: int | None = None) -> dict[str, Any]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path != _IMAGE:
            raise OSError(errno.ENOENT, path)
        size = os.fstat(self._file).st_size
        return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size}

    def readdir(self, _path: str, _handle: int) -> list[str]:
        return [".", "..", _IMAGE[1:]]

    def open(self, _path: str, _flags: int) -> int:
        return 1

    def read(self, _path: str, size: int, offset: int, _handle: int) -> bytes:
        if "reads" in self._trouble():
            raise _io_error()
        return os.pread(self._file, size, offset)

    def write(self, _path: str, content: bytes, offset: int, _handle: int) -> int:
        if self._trouble():
            raise _io_error()
        return os.pwrite(self._file, content, offset)

    def fsync(self, _path: str, _data_only: int, _handle: int) -> int:
        if self._trouble():
            raise _io_error()
        return 0

    def _trouble(self) -> tuple[str, ...]:
        try:
            return ("writes", Path(self._bad).read_text())
        except FileNotFoundError:
            return ()


def _io_error() -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO))


def _serve(content: str, at: str, bad: str) -> None:
    from mfusepy import FUSE

    FUSE(_Operations(content, bad), at, foreground=True, nothreads=True, allow_other=True)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
