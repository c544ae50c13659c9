"""The note of disks that are being replaced: who finds it ends the work, for it is half done."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

import msgspec

from holdfast.disks import images
from holdfast.machines.restore_errors import ReplacementPending
from holdfast.machines.state_files import replace_file
from holdfast.machines.vm_lock import FOLDER
from holdfast.storage.durable import sync, sync_folder

T = TypeVar("T")
OVERLAY = ".holdfast-restore"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A disk of which an image above it, `overlay`, holds all that is to be different."""

    target: str
    image: str
    format: str
    size: int
    # Where that image lies if it does not lie beside the disk.
    apart: str = ""

    @property
    def overlay(self) -> str:
        return self.apart or self.image + OVERLAY


def apart(home: str, uuid: str, target: str) -> str:
    """For a device: beside it is memory, and gone after a power cut."""
    return str(Path(home, FOLDER, f"{uuid}.{target}{OVERLAY}"))


class Note(msgspec.Struct, frozen=True, kw_only=True):
    parts: tuple[Part, ...]


def write_note(home: str, uuid: str, note: Note) -> None:
    file = _file(home, uuid)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(file, msgspec.json.encode(note))


def read_note(home: str, uuid: str) -> Note | None:
    file = _file(home, uuid)
    try:
        return msgspec.json.decode(file.read_bytes(), type=Note)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as err:
        raise ReplacementPending(file=file, reason=err) from err


def remove_note(home: str, uuid: str) -> None:
    file = _file(home, uuid)
    with contextlib.suppress(FileNotFoundError):
        file.unlink()
        sync_folder(file.parent)


def bring_to_end(note: Note, on_step: Callable[[str], None]) -> None:
    """Write what is gathered into the disks; may be done again after any interruption."""
    for part in note.parts:
        overlay = Path(part.overlay)
        if not overlay.exists():
            # It was dealt with before: it goes when its disk is done.
            continue
        _let_resize(part)
        images.commit(overlay)
        on_step(f"committed {part.target}")
        _resize(part)
        sync(part.image)
        on_step(f"durable {part.target}")
        overlay.unlink()
        on_step(f"done {part.target}")


def drop_overlays(note: Note) -> None:
    """What is gathered is not wanted any more, and nothing of it is in the disks."""
    for part in note.parts:
        Path(part.overlay).unlink(missing_ok=True)


def without_stopping(act: Callable[[], T]) -> T:
    """Do it to its end; Ctrl-C counts afterwards, for in the middle all would be half."""
    stopped: KeyboardInterrupt | None = None
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(act)
        while not future.done():
            try:
                wait((future,))
            except KeyboardInterrupt as err:
                stopped = err
    if stopped is not None and future.exception() is None:
        raise stopped
    return future.result()


def _let_resize(part: Part) -> None:
    """A record of changes that a power cut left open is of no use, and QEMU resizes nothing with one."""
    image = Path(part.image)
    found = images.inspect(image, format_=part.format)
    if found.virtual_size == part.size:
        return
    for bitmap in found.bitmaps:
        if bitmap.is_in_use:
            images.remove_bitmap(image, bitmap.name)


def _resize(part: Part) -> None:
    """A commit makes a disk larger, never smaller."""
    image = Path(part.image)
    if images.inspect(image, format_=part.format).virtual_size != part.size:
        images.resize(image, part.size, format_=part.format, may_shrink=True)


def _file(home: str, uuid: str) -> Path:
    return Path(home, FOLDER, f"{uuid}.restore")
