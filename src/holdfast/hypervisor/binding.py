"""Libvirt's Python binding, loaded late, quiet, with the one event loop of the process.

An install without libvirt works until a machine is asked for. The event loop must be registered
before the first connection is opened, or neither events nor keep-alives ever come.
"""

import atexit
import contextlib
import importlib
import threading
from collections.abc import Iterator
from typing import Any

from holdfast.hypervisor.errors import LibvirtMissing
from holdfast.hypervisor.failures import Failure, error_of

_LAST_SECONDS = 5.0


class _Loaded:
    lock = threading.Lock()
    module: Any = None
    is_over = threading.Event()


def load() -> Any:
    """The module libvirt, with its event loop running."""
    with _Loaded.lock:
        if _Loaded.module is None:
            _Loaded.module = _prepared(_imported("libvirt"))
        return _Loaded.module


def load_agent() -> Any:
    """The module libvirt_qemu, which alone can talk to an agent."""
    load()
    return _imported("libvirt_qemu")


@contextlib.contextmanager
def translated(about: str) -> Iterator[None]:
    """Turn libvirt's errors in the block into ours about this machine."""
    libvirt = load()
    try:
        yield
    except libvirt.libvirtError as err:
        raise error_of(failure_of(err), about=about) from err


def failure_of(err: Any) -> Failure:
    """A libvirtError as a value; one that libvirt did not fill in says what Python knows."""
    return Failure(
        number=err.get_error_code() or 0,
        origin=err.get_error_domain() or 0,
        message=err.get_error_message() or str(err),
    )


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as err:
        raise LibvirtMissing(reason=str(err)) from err


def _prepared(libvirt: Any) -> Any:
    # Libvirt prints each error to standard error unless told otherwise; ours are raised.
    libvirt.registerErrorHandler(_say_nothing, None)
    libvirt.virEventRegisterDefaultImpl()
    # A lone loop without a timer sleeps for ever on the descriptors it knew when it began.
    timer = libvirt.virEventAddTimeout(1000, _say_nothing, None)
    loop = threading.Thread(target=_loop, args=(libvirt,), name="libvirt-events", daemon=True)
    loop.start()
    atexit.register(_end, libvirt, timer, loop)
    return libvirt


def _end(libvirt: Any, timer: int, loop: threading.Thread) -> None:
    """An interpreter that ends under the feet of a thread within libvirt crashes."""
    _Loaded.is_over.set()
    with contextlib.suppress(libvirt.libvirtError):
        libvirt.virEventUpdateTimeout(timer, 0)
    loop.join(_LAST_SECONDS)


def _say_nothing(*_arguments: object) -> None:
    pass


def _loop(libvirt: Any) -> None:
    while not _Loaded.is_over.is_set():
        with contextlib.suppress(libvirt.libvirtError):
            libvirt.virEventRunDefaultImpl()
