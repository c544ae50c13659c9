"""mfusepy's side of a mount: options, the loop in a thread of its own, and its end.

Importing this loads the FUSE library, which may not be there.
"""

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any

import mfusepy

from holdfast.base.latch import Latch
from holdfast.base.texts import _
from holdfast.files.mount.errors import MountRefused, MountTimedOut
from holdfast.files.mount.operations import Operations
from holdfast.files.mount.place import SUBTYPE, mounted_kind, unmount

_ENCODING = "latin-1"  # one char for each byte, both ways
_READDIR_PLUS, _FILL_PLUS = 1, 2
# Content never changes, so the kernel may believe for long what it was told once.
_BELIEVE_SECONDS = 3600
_START_SECONDS = 60
_END_SECONDS = 5
_MAX_THREADS = 16
# Reasons of fuse_main: 1 and 2 are about arguments, the others name the step.
_STEPS = {3: "fuse_new", 4: "mount", 5: "daemonize", 6: "signals", 7: "loop"}


class _Fuse(mfusepy.FUSE):  # type: ignore[misc]  # mfusepy is untyped
    def readdir_fuse_3(
        self, _path: bytes | None, buffer: Any, fill: Any, _offset: int, info: Any, flags: int
    ) -> int:
        """Give all attributes along with the names, which saves a call for each name.

        mfusepy 3.1.1 leaves that out (a TODO in its own readdir_fuse_3).
        """
        plus = bool(flags & _READDIR_PLUS)
        entry = mfusepy.c_stat()
        for name, attributes in self.operations.entries(info.contents.fh, full=plus):
            ctypes.memset(ctypes.byref(entry), 0, ctypes.sizeof(entry))
            mfusepy.set_st_attrs(entry, attributes, use_ns=True)
            if fill(buffer, name, entry if attributes else None, 0, _FILL_PLUS if plus else 0):
                break
        return 0


class Session:
    """One mount from its beginning to its end."""

    def __init__(self, operations: Operations, mountpoint: bytes, *, name: str) -> None:
        self._operations = operations
        self._mountpoint = mountpoint
        self._options: dict[str, Any] = {
            "foreground": True,
            "ro": True,
            "nosuid": True,
            "nodev": True,
            "fsname": name,
            "subtype": SUBTYPE,
            "use_ino": True,
            "kernel_cache": True,
            "entry_timeout": _BELIEVE_SECONDS,
            "attr_timeout": _BELIEVE_SECONDS,
        }
        self._problem: BaseException | None = None

    def run(
        self,
        *,
        threads: bool,
        allow_other: bool,
        stop: Latch,
        on_ready: Callable[[], None],
    ) -> None:
        """Mount, and serve until `stop` is set, be it by us because somebody unmounted it."""
        if threads and (mfusepy.fuse_version_major, mfusepy.fuse_version_minor) >= (3, 12):
            # Without a number the library complains about the one it has by default.
            self._options["max_threads"] = _MAX_THREADS
        self._options["nothreads"] = not threads
        self._options["allow_other"] = allow_other
        # Alone, whoever holds the key may read all; others only what the modes let them.
        self._options["default_permissions"] = allow_other
        self._operations.leave = mfusepy.fuse_exit
        # A daemon: a storage that hangs must not keep the process from ending.
        loop = threading.Thread(target=self._loop, args=(stop,), name="mount", daemon=True)
        loop.start()
        try:
            self._wait_until_ready(stop)
            on_ready()
            stop.wait()
        finally:
            self._end(loop)

    def _loop(self, stop: Latch) -> None:
        try:
            _Fuse(
                self._operations,
                self._mountpoint.decode(_ENCODING),
                encoding=_ENCODING,
                **self._options,
            )
        except BaseException as err:
            self._problem = err
        finally:
            self._operations.ready.set()
            stop.set()

    def _wait_until_ready(self, stop: Latch) -> None:
        shown = os.fsdecode(self._mountpoint)
        if not self._operations.ready.wait(_START_SECONDS):
            raise MountTimedOut(mountpoint=shown, seconds=_START_SECONDS)
        if stop.is_set() and self._problem is not None:
            raise MountRefused(mountpoint=shown, reason=_reason(self._problem)) from self._problem

    def _end(self, loop: threading.Thread) -> None:
        """Let the library unmount; where it is stuck in a read, take the mount away from it."""
        self._operations.ending.set()
        if loop.is_alive():
            # The loop sees that it is to end when it has answered this.
            threading.Thread(target=self._nudge, daemon=True).start()
        loop.join(_END_SECONDS)
        if mounted_kind(self._mountpoint) == f"fuse.{SUBTYPE}":
            unmount(self._mountpoint)

    def _nudge(self) -> None:
        with contextlib.suppress(OSError):
            os.statvfs(self._mountpoint)


def _reason(problem: BaseException) -> str:
    step = problem.args[0] if problem.args else None
    if isinstance(problem, RuntimeError) and isinstance(step, int):
        template = _("FUSE stopped at step {step}")
        return template.format(step=_STEPS.get(step, step))
    return repr(problem)
