"""The obstore library, loaded late, and loaded anew after a fork.

Its runtime is made of threads, and threads do not survive a fork: a call in a child of a process
that used it before hangs for ever (https://github.com/tokio-rs/tokio/issues/4301). A child
therefore loads a second copy of the extension, whose statics are fresh. Delete this when obstore
(0.12.1 here) starts a new runtime in a new process by itself.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import threading
from types import ModuleType

_PACKAGE = "obstore"
_EXTENSION = "obstore._obstore"


class _Loaded:
    """What this process has; a child starts from `after_fork`."""

    lock = threading.Lock()
    module: ModuleType | None = None
    is_inherited = False
    # Dropping what belongs to the parent's runtime would wait for its threads.
    kept: list[object] = []  # noqa: RUF012  state of the process, never of an instance


def load() -> ModuleType:
    """The obstore package of this process; the same object until the process forks."""
    with _Loaded.lock:
        if _Loaded.module is None:
            if _Loaded.is_inherited:
                _forget_inherited()
                _load_second_extension()
            importlib.import_module("obstore.store")
            _Loaded.module = importlib.import_module(_PACKAGE)
        return _Loaded.module


def _after_fork() -> None:
    # Another thread may have held the lock in the moment of the fork.
    _Loaded.lock = threading.Lock()
    _Loaded.is_inherited = _Loaded.is_inherited or _Loaded.module is not None
    _Loaded.kept.append(_Loaded.module)
    _Loaded.module = None


os.register_at_fork(after_in_child=_after_fork)


def _forget_inherited() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == _PACKAGE]:
        _Loaded.kept.append(sys.modules.pop(name))


def _load_second_extension() -> None:
    # The loader recognises a library by its inode, so the copy needs one of its own.
    copy = _copied_to_memory(_extension_path())
    try:
        path = f"/proc/self/fd/{copy}"
        loader = importlib.machinery.ExtensionFileLoader(_EXTENSION, path)
        spec = importlib.util.spec_from_file_location(_EXTENSION, path, loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        sys.modules[_EXTENSION] = module
    finally:
        os.close(copy)


def _extension_path() -> str:
    package = importlib.util.find_spec(_PACKAGE)
    assert package is not None
    spec = importlib.machinery.PathFinder.find_spec(_EXTENSION, package.submodule_search_locations)
    assert spec is not None
    assert spec.origin is not None
    return spec.origin


def _copied_to_memory(path: str) -> int:
    copy = os.memfd_create(_PACKAGE, os.MFD_CLOEXEC)
    with open(path, "rb") as original:
        while os.sendfile(copy, original.fileno(), None, 1 << 30):
            pass
    return copy
