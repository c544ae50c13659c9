"""The use case "mount": all recovery points as folders, until a signal or an unmount ends it."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from holdfast.app import locking
from holdfast.app.opening import open_vault
from holdfast.app.points import PointFilter, matches
from holdfast.app.stop_signals import stopped_by_signals
from holdfast.app.wiring import Session
from holdfast.files.mount.serving import CACHE_BYTES, MountOptions, serve


@dataclass(frozen=True, slots=True, kw_only=True)
class MountRequest:
    """Where to mount what; `lock` False is for vaults we may only read, where nobody prunes."""

    mountpoint: bytes
    points: PointFilter = field(default_factory=PointFilter)
    allow_other: bool = False
    cache_bytes: int = CACHE_BYTES
    lock: bool = True


def mount(session: Session, request: MountRequest, *, on_ready: Callable[[], None]) -> None:
    """Mount and serve in the foreground; returns when the mount is gone.

    The lock is a shared one: backups go on beside it, only prune and its like wait for our end.
    """
    repository = open_vault(session)
    options = MountOptions(
        choose=lambda point: matches(point, request.points),
        allow_other=request.allow_other,
        cache_bytes=request.cache_bytes,
    )
    lock = locking.held(repository) if request.lock else contextlib.nullcontext()
    with lock, stopped_by_signals() as stop:
        serve(
            repository,
            request.mountpoint,
            options=options,
            stop=stop,
            on_ready=on_ready,
            warn=session.warn,
        )
