"""The scratch folder: where caches and lists of one vault lie, and the rules it must meet."""

import errno
import os
from collections.abc import Callable

from holdfast.app.scratch_place import require_in_place
from holdfast.app.setup_errors import ScratchFull, ScratchOnUnsupportedSystem, ScratchUnusable
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import GIB, MIB, format_size
from holdfast.files.mounts import MountKind, kind_of, mount_of, read_mounts

_LEAST_FREE = 64 * MIB
# The share of its disk that should stay free; above so many bytes a big disk may be fuller.
_SCARCE_SHARE = 0.05
_AMPLE = 50 * GIB
_FLEETING = frozenset(("tmpfs", "ramfs", "overlay"))
_CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# Holdfast keeps caches here.\n"

Warn = Callable[[str], None]


def prepare_scratch(home: str, repository: str, *, warn: Warn, needed: bool) -> str | None:
    """This vault's folder in scratch, checked.

    A backup needs it; work that only reads goes on without, slower, and says so.
    """
    try:
        folder = os.path.join(require_in_place(home), repository)
        check_scratch(folder, warn=warn)
    except HoldfastError as err:
        if needed:
            raise
        warn(_("{reason}; going on without caches").format(reason=err))
        return None
    return folder


def require_scratch(home: str, repository: str) -> str:
    """For work that needs it; what there is to warn of was said when the vault was opened."""
    folder = prepare_scratch(home, repository, warn=lambda _said: None, needed=True)
    assert folder is not None  # or it would have raised
    return folder


def check_scratch(folder: str, *, warn: Warn) -> None:
    """Make the folder and hold it to the rules: writable, with room, on a disk of its own."""
    _make(folder)
    kind, is_remote = kind_of_place(folder)
    if is_remote:
        # Files mapped from there can vanish under us, and it may hang.
        raise ScratchOnUnsupportedSystem(folder=folder, kind=kind)
    _check_room(folder, warn)
    if kind in _FLEETING:
        warn(
            _("Scratch lies on {kind}: its caches are lost with it, and then rebuilt").format(
                kind=kind
            )
        )


def kind_of_place(folder: str) -> tuple[str, bool]:
    """The file system a folder lies on, and whether that is on another machine."""
    mount = mount_of(os.fsencode(os.path.realpath(folder)), read_mounts())
    if mount is None:
        return "unknown", False
    return mount.kind.decode(errors="replace"), kind_of(mount.kind) is MountKind.REMOTE


def _make(folder: str) -> None:
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        tag = os.path.join(os.path.dirname(folder), "CACHEDIR.TAG")
        if not os.path.exists(tag):
            with open(tag, "wb") as stream:
                stream.write(_CACHE_TAG)
        # A folder that looks writable may lie on a file system that no longer is.
        _write_nameless(folder)
    except OSError as err:
        raise ScratchUnusable(folder=folder, reason=err.strerror) from err


def _write_nameless(folder: str) -> None:
    """Write a file that is gone as soon as it is closed."""
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as err:
        # Not every file system, nor every kernel, has files without a name.
        if err.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT):
            raise
        import tempfile

        with tempfile.TemporaryFile(dir=folder) as named:
            named.write(_CACHE_TAG)
        return
    with os.fdopen(descriptor, "wb") as probe:
        probe.write(_CACHE_TAG)


def _check_room(folder: str, warn: Warn) -> None:
    found = os.statvfs(folder)
    free, whole = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    if free < _LEAST_FREE:
        raise ScratchFull(folder=folder, free=format_size(free), wanted=format_size(_LEAST_FREE))
    if free < min(whole * _SCARCE_SHARE, _AMPLE):
        warn(
            _(
                "Scratch has only {free} free ({share:.0%}); 5 to 10 % of the protected data "
                "should be (SalLowDiskSpace)"
            ).format(free=format_size(free), share=free / whole)
        )
