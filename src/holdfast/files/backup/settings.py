"""What a worker is told before it is forked."""

from dataclasses import dataclass

from holdfast.base.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    force: bool
    # False when index files the cache was written under are gone: then every blob is looked up.
    trust_cache: bool
    larger_than: int | None
    caches: bool
    ignore_names: tuple[str, ...]
    one_file_system: bool
    # Devices of file systems that are not walked into: remote ones and the kernel's own.
    closed_devices: frozenset[int]
    clock: Clock
