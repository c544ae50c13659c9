"""What somebody has done to the disks of a machine between two instants of it. Pure.

None of it costs anything that is not told elsewhere; it is told because a person wants to know why
a point has other disks than the one before, and who looks for a culprit begins with it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from holdfast.machines.layers import generation_of
from holdfast.replication.source_facts import KeptDisk


class DiskChange(NamedTuple):
    """By the codes of `why_texts`; the size is that of the disk now, where that is what changed."""

    what: str
    why: str
    disk: str
    size: int = 0


def disk_changes(before: Sequence[KeptDisk], after: Sequence[KeptDisk]) -> Iterator[DiskChange]:
    there = {disk.target: disk for disk in before}
    here = {disk.target: disk for disk in after}
    for target in sorted(here.keys() - there.keys()):
        yield DiskChange("disks-changed", "disk-added", target, here[target].size)
    for target in sorted(there.keys() - here.keys()):
        yield DiskChange("disks-changed", "disk-removed", target)
    for target in sorted(here.keys() & there.keys()):
        yield from _of_one(there[target], here[target])


def _of_one(before: KeptDisk, after: KeptDisk) -> Iterator[DiskChange]:
    if after.size != before.size:
        why = "disk-grew" if after.size > before.size else "disk-shrank"
        yield DiskChange("resized", why, after.target, after.size)
    was, now = _images(before), _images(after)
    if was and now and was != now:
        yield DiskChange("images-changed", _why(was, now), after.target)


def _images(disk: KeptDisk) -> tuple[str, ...]:
    """From the top, without those that we put there ourselves; empty where nobody could look."""
    return tuple(path for path in disk.chain if not generation_of(path))


def _why(was: tuple[str, ...], now: tuple[str, ...]) -> str:
    if now[-len(was) :] == was:
        return "image-above"
    if set(now) < set(was):
        return "image-merged"
    return "image-elsewhere"
