"""Bring a disk of a point back: as a new image, or onto a disk of which only parts are wrong."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from holdfast.base.clock import Clock
from holdfast.base.units import KIB
from holdfast.disks import images
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.serving import served_image
from holdfast.machines.blocks import (
    BLOCK,
    Spans,
    Stretch,
    block_length,
    is_zeros,
    stretches,
    touched,
)
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_targets import DiskTarget, FileTarget, NbdTarget
from holdfast.machines.errors import ImageExists, ImageSizeDiffers, unwritable
from holdfast.machines.progress import OnDisk, Steps, nobody_listens
from holdfast.storage.durable import sync, sync_folder
from holdfast.vault.forking import ahead, cores

if TYPE_CHECKING:
    import numpy.typing as npt

    from holdfast.machines.blocks import Touched

# Blocks a thread writes before it asks for more; their reads are few when they are neighbours.
_AT_ONCE = 8
# What a file system keeps apart: smaller holes are none.
_PAGE = 4 * KIB
_PARTIAL = ".holdfast-partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a restore did to its target; `same` was right already, `zeroed` is a hole now."""

    written: int = 0
    zeroed: int = 0
    same: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(
            written=self.written + other.written,
            zeroed=self.zeroed + other.zeroed,
            same=self.same + other.same,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingOptions:
    """`where` is what may differ from the point, where that is known: the rest is not looked at."""

    clock: Clock
    disk: str = ""
    workers: int = 0
    where: Spans | None = None
    on_progress: OnDisk = nobody_listens


def restore_raw(reader: DiskReader, path: str, options: WritingOptions) -> Written:
    """A new sparse file, which appears under its name when it is whole and durable."""
    with _appearing(path) as partial, FileTarget(partial, size=reader.size) as target:
        return fill(reader, target, options)


def restore_qcow2(reader: DiskReader, path: str, options: WritingOptions) -> Written:
    """A new qcow2 image, likewise; QEMU itself writes it."""
    with _appearing(path) as partial, tempfile.TemporaryDirectory() as folder:
        images.create(Path(partial), reader.size)
        socket = Path(folder, "nbd")
        served = served_image(
            Path(partial), socket, format_="qcow2", clock=options.clock, is_writable=True
        )
        with served as address, NbdTarget(lambda: NbdClient(address, contexts=())) as target:
            return fill(reader, target, options)


def fill(reader: DiskReader, target: DiskTarget, options: WritingOptions) -> Written:
    """Write all data to a target that reads as zeros, and make it durable."""
    _require_size(reader, target)

    def write(stretch: Stretch) -> Written:
        numbers = [n for n in _numbers(stretch) if not reader.is_zero(n)]
        written = 0
        for number, plain in reader.load(numbers):
            for start, end in data_runs(plain):
                target.write(number * BLOCK + start, memoryview(plain)[start:end])
                written += end - start
        return Written(written=written, zeroed=_bytes(reader, stretch) - written)

    return _done(reader, target, options, write)


def write_differences(reader: DiskReader, target: DiskTarget, options: WritingOptions) -> Written:
    """Make a target equal to the point: what is right already is read, but not written."""
    _require_size(reader, target)

    def write(stretch: Stretch) -> Written:
        wrong = [n for n in _numbers(stretch) if not _is_right(reader, target, n)]
        lengths = {number: block_length(reader.size, number) for number in wrong}
        written = zeroed = 0
        for number in [n for n in wrong if reader.is_zero(n)]:
            target.write_zeroes(number * BLOCK, lengths[number])
            zeroed += lengths[number]
        for number, plain in reader.load([n for n in wrong if not reader.is_zero(n)]):
            found = target.read(number * BLOCK, lengths[number])
            for start, end in differing_runs(plain, found):
                target.write(number * BLOCK + start, memoryview(plain)[start:end])
                written += end - start
        same = _bytes(reader, stretch) - written - zeroed
        return Written(written=written, zeroed=zeroed, same=same)

    return _done(reader, target, options, write)


def data_runs(plain: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """The parts of a block between runs of whole pages of zeros."""
    if len(plain) % _PAGE:
        yield 0, len(plain)
        return
    yield from _runs((_pages(plain) != 0).any(axis=1))


def differing_runs(
    plain: bytes | bytearray, found: bytes | memoryview
) -> Iterator[tuple[int, int]]:
    """The parts of a block that are not as they were: what is written is recorded as changed."""
    if len(plain) % _PAGE:
        yield 0, len(plain)
        return
    yield from _runs((_pages(plain) != _pages(found)).any(axis=1))


def _pages(content: bytes | bytearray | memoryview) -> "npt.NDArray[np.uint64]":
    return np.frombuffer(content, dtype=np.uint64).reshape(-1, _PAGE // 8)


def _runs(pages: "Touched") -> Iterator[tuple[int, int]]:
    for run in stretches(pages, longest=len(pages)):
        yield run.first * _PAGE, (run.first + run.blocks) * _PAGE


def _done(
    reader: DiskReader,
    target: DiskTarget,
    options: WritingOptions,
    write: Callable[[Stretch], Written],
) -> Written:
    done = Written()
    steps = Steps(options.disk, reader.size, options.clock, options.on_progress)
    parallel = options.workers or cores() + 1
    for stretch, future in ahead(_work(reader, options), write, parallel=parallel):
        done += future.result()
        steps.add(_bytes(reader, stretch))
    target.flush()
    return done


def _work(reader: DiskReader, options: WritingOptions) -> list[Stretch]:
    count = reader.blocks.count
    chosen = np.ones(count, dtype=np.bool_)
    if options.where is not None:
        chosen = touched(options.where, reader.size)
    return list(stretches(chosen, longest=_AT_ONCE))


def _is_right(reader: DiskReader, target: DiskTarget, number: int) -> bool:
    length = block_length(reader.size, number)
    content = target.read(number * BLOCK, length)
    if reader.is_zero(number):
        return is_zeros(content)
    return hashlib.sha256(content).digest() == reader.blocks[number]


def _require_size(reader: DiskReader, target: DiskTarget) -> None:
    if target.size != reader.size:
        name = getattr(target, "path", "-")
        raise ImageSizeDiffers(path=name, size=target.size, wanted=reader.size)


def _numbers(stretch: Stretch) -> Sequence[int]:
    return range(stretch.first, stretch.first + stretch.blocks)


def _bytes(reader: DiskReader, stretch: Stretch) -> int:
    end = min(reader.size, (stretch.first + stretch.blocks) * BLOCK)
    return end - stretch.first * BLOCK


@contextlib.contextmanager
def _appearing(path: str) -> Iterator[str]:
    """Another name to write to; what is there gets the path when all went well."""
    if os.path.lexists(path):
        raise ImageExists(path=path)
    partial = path + _PARTIAL
    # What an earlier restore that was killed has left is nobody's.
    with contextlib.suppress(OSError):
        os.unlink(partial)
    try:
        yield partial
        _rename(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise


def _rename(partial: str, path: str) -> None:
    """Durable as well: the content, whoever wrote it, and then the name."""
    try:
        sync(partial)
        os.rename(partial, path)
        sync_folder(os.path.dirname(path) or ".")
    except OSError as err:
        raise unwritable(path, err) from err
