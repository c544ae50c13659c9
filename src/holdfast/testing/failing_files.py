"""A small file system that answers some questions with errors, as a bad disk or server does.

Run as a process: it mounts, says "ready", and serves until it is unmounted or told to end.
"""

import contextlib
import errno
import os
import stat
import subprocess  # noqa: TID251  the mount must be in another process than its readers
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_READY = "ready"
_PATIENCE = 90
_WHEN = 1_700_000_000_000_000_000
CONTENT = b"as it should be\n" * 16_384  # 256 KiB: more than the kernel reads at once

FILES: dict[str, dict[str, int]] = {
    "/good": {},
    "/io": {"read": errno.EIO},
    "/halfway": {"second read": errno.EIO},
    "/unclean": {"read": errno.EUCLEAN},
    "/stale": {"open": errno.ESTALE},
    "/unconnected": {"read": errno.ENOTCONN},
    "/timed-out": {"read": errno.ETIMEDOUT},
    "/denied": {"open": errno.EACCES},
    "/unseen": {"getattr": errno.EIO},
    "/no-attributes": {"listxattr": errno.EIO},
    "/lost-attribute": {"getxattr": errno.EIO},
    "/folder/good": {},
}
FOLDERS: dict[str, dict[str, int]] = {
    "/": {},
    "/folder": {},
    "/broken": {"readdir": errno.EIO},
    "/away": {"readdir": errno.ESTALE},
}


class _Operations:
    """What mfusepy asks; paths come as text."""

    use_ns = True

    def __init__(self) -> None:
        self._looked_up: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def init(self, _path: str) -> None:
        sys.stdout.write(f"{_READY}\n")
        sys.stdout.flush()

    def getattr(self, path: str, _handle: int | None = None) -> dict[str, Any]:
        _fail(path, "getattr")
        times = dict.fromkeys(("st_atime", "st_mtime", "st_ctime"), _WHEN)
        if path in FOLDERS:
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2, **times}
        if path not in FILES:
            raise OSError(errno.ENOENT, path)
        return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": len(CONTENT), **times}

    def readdir(self, path: str, _handle: int) -> list[str]:
        _fail(path, "readdir")
        below = path.rstrip("/") + "/"
        names = [name.removeprefix(below) for name in [*FILES, *FOLDERS] if name.startswith(below)]
        return [".", "..", *(name for name in names if name and "/" not in name)]

    def open(self, path: str, _flags: int) -> int:
        _fail(path, "open")
        return 1

    def read(self, path: str, size: int, offset: int, _handle: int) -> bytes:
        _fail(path, "read")
        if offset:
            _fail(path, "second read")
        return CONTENT[offset : offset + size]

    def listxattr(self, path: str) -> list[str]:
        _fail(path, "listxattr")
        return ["user.kept", "user.lost"] if path == "/lost-attribute" else []

    def getxattr(self, path: str, name: str, _position: int = 0) -> bytes:
        if name == "user.lost":
            _fail(path, "getxattr")
        if name != "user.kept":
            raise OSError(errno.ENODATA, name)
        return b"kept"


def _fail(path: str, call: str) -> None:
    number = {**FILES, **FOLDERS}.get(path, {}).get(call)
    if number is not None:
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def failing_files(mountpoint: Path, *, kind: str = "failing") -> Iterator[None]:
    """Mount it as fuse.`kind`, and take it away whatever happens."""
    words = [sys.executable, "-m", __name__, str(mountpoint), kind]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own module
    with process:
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != _READY:
                raise RuntimeError("the file system was not mounted")
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(mountpoint)], check=False)  # noqa: S603, S607
            process.terminate()
            process.wait(_PATIENCE)


def _serve(mountpoint: str, kind: str) -> None:
    from mfusepy import FUSE

    FUSE(_Operations(), mountpoint, foreground=True, nothreads=True, attr_timeout=0, subtype=kind)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
