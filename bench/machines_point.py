"""A process of its own that makes a point of an image or restores one, for the bench.

    python bench/machines_point.py full IMAGE               # a raw image
    python bench/machines_point.py incremental IMAGE BITMAP # a qcow2 image that records changes
    python bench/machines_point.py restore FILE

It does what `backup --vm` does with the disks of a machine, without a machine: QEMU's own program
serves the image, and it is read over NBD. The vault and its passphrase come as they come to
every command, by HOLDFAST_VAULT and the rest.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.app import locking
from holdfast.app.config import load_settings
from holdfast.app.opening import open_vault
from holdfast.app.scratch import prepare_scratch
from holdfast.app.wiring import Session
from holdfast.base.clock import SystemClock
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.serving import bitmap_context, served_image
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_writing import WritingOptions, restore_raw
from holdfast.machines.nbd_source import NbdSource
from holdfast.machines.parents import Parent, newest_point, tags_of
from holdfast.machines.point_writer import PointWriter, WriterOptions
from holdfast.machines.points import VERSION, Consistency, DiskFacts, VmPoint
from holdfast.vault.repository import Repository

_NAME = "bench"
_UUID = "00000000-0000-4000-8000-0000000be0c4"
_TARGET = "vda"


def main(words: list[str]) -> None:
    session = Session(settings=load_settings(), warn=print)
    repository = open_vault(session)
    prepare_scratch(session.settings.home, repository.id, warn=session.warn, needed=True)
    match words:
        case ["full", image]:
            told = back_up(repository, Path(image), bitmap=None)
        case ["incremental", image, bitmap]:
            told = back_up(repository, Path(image), bitmap=bitmap)
        case ["restore", file]:
            told = restore(repository, file)
        case _:
            raise SystemExit(__doc__)
    print(json.dumps(told))


def back_up(repository: Repository, image: Path, *, bitmap: str | None) -> dict[str, int]:
    """The bytes that were read and those that were stored."""
    parent = newest_point(repository, _UUID)
    with (
        locking.held(repository) as lock,
        _served(image, bitmap) as address,
        _opened(address, bitmap, parent) as source,
    ):
        options = WriterOptions(host=_NAME, tags=tags_of(_UUID), still_ours=lock.check)
        reader = parent.reader if parent else None
        with PointWriter(repository, _NAME, options, parent=reader) as writer:
            done = writer.add_disk(_TARGET, source)
            facts = VmPoint(
                version=VERSION,
                name=_NAME,
                uuid=_UUID,
                taken_at=repository.clock.now(),
                consistency=Consistency.CRASH,
                disks=(DiskFacts(target=_TARGET, size=source.size),),
            )
            report = writer.commit(facts, {})
    return {"read": done.bytes_read, "stored": report.summary.data_added_packed}


def restore(repository: Repository, file: str) -> dict[str, int]:
    """The bytes that were written, and those left as holes."""
    point = newest_point(repository, _UUID)
    assert point is not None, "there is no point to restore"
    done = restore_raw(DiskReader(point.reader, _TARGET), file, WritingOptions(clock=SystemClock()))
    return {"written": done.written, "zeroed": done.zeroed}


def _opened(address: UnixAddress, bitmap: str | None, parent: Parent | None) -> NbdSource:
    if bitmap is None or parent is None:
        return NbdSource(address, "")
    facts = parent.disk(_TARGET)
    assert facts is not None, "the point before has no such disk"
    return NbdSource(address, "", context=bitmap_context(bitmap), before=facts.size)


@contextmanager
def _served(image: Path, bitmap: str | None) -> Iterator[UnixAddress]:
    with (
        tempfile.TemporaryDirectory() as folder,
        served_image(
            image,
            Path(folder, "nbd"),
            format_="qcow2" if bitmap else "raw",
            clock=SystemClock(),
            bitmap=bitmap,
        ) as address,
    ):
        yield address


if __name__ == "__main__":
    main(sys.argv[1:])
