"""What a person can ask of a backup or a restore."""

from datetime import datetime
from enum import Enum

import msgspec


class Excludes(msgspec.Struct, frozen=True, kw_only=True):
    """What stays out. Patterns are gitignore syntax, relative to each protected root."""

    patterns: tuple[str, ...] = ()
    pattern_files: tuple[bytes, ...] = ()
    # Names of ignore files honoured inside the tree, as ".holdfastignore".
    ignore_names: tuple[str, ...] = ()
    caches: bool = True  # folders with a valid CACHEDIR.TAG
    larger_than: int | None = None
    one_file_system: bool = False
    remote: bool = True  # leave out network and other offline-able file systems below a root
    # Absolute paths, and names anywhere, that are left out whatever the patterns say.
    left_out: frozenset[bytes] = frozenset()
    left_out_names: frozenset[bytes] = frozenset()


class BackupOptions(msgspec.Struct, frozen=True, kw_only=True):
    paths: tuple[bytes, ...]
    host: str
    tags: tuple[str, ...] = ()
    # A point that has this tag already is the one that is wanted.
    once: str | None = None
    excludes: Excludes = msgspec.field(default_factory=Excludes)
    time: datetime | None = None
    # Read every file even where nothing seems changed.
    force: bool = False
    # Read from a snapshot where one can be taken.
    view: bool = True
    workers: int = 2


class Overwrite(Enum):
    """What a restore does with a file that is there already."""

    CHANGED = "changed"  # write only what differs
    ALWAYS = "always"  # compare nothing, write all
    NEWER = "newer"  # only where the point's file is newer
    NEVER = "never"


class RestoreOptions(msgspec.Struct, frozen=True, kw_only=True):
    target: bytes
    # A folder or item of the point that is restored alone, into the target itself.
    subpath: bytes = b""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    overwrite: Overwrite = Overwrite.CHANGED
    delete: bool = False  # remove what the point does not have
    sparse: bool = True
    verify: bool = False
    dry_run: bool = False
    workers: int = 2
