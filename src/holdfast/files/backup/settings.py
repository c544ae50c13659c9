"""What a worker is told before it is forked."""

import msgspec

from holdfast.base.clock import Clock
from holdfast.files.excludes import Rules


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    force: bool
    # False when index files the cache was written under are gone: then every blob is looked up.
    trust_cache: bool
    larger_than: int | None
    caches: bool
    ignore_names: tuple[str, ...]
    # What stays out, by the root it holds below. Told once: there may be thousands of patterns.
    rules: dict[bytes, Rules]
    one_file_system: bool
    # Devices of file systems that are not walked into: remote ones and the kernel's own.
    closed_devices: frozenset[int]
    clock: Clock
    # Left out without a pattern, which would cost a match for every name: by path, and by name.
    left_out: frozenset[bytes] = frozenset()
    left_out_names: frozenset[bytes] = frozenset()
    # Where something is read elsewhere: folder, name in it, and the path it is read at.
    elsewhere: dict[bytes, dict[bytes, bytes]] = msgspec.field(default_factory=dict)
    # Devices of btrfs file systems themselves; what is in them has that of its subvolume.
    hollow_devices: frozenset[int] = frozenset()
    # Device numbers of snapshots, and those they stand for.
    devices: dict[int, int] = msgspec.field(default_factory=dict)
