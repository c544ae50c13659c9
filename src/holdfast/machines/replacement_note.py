"""The note of disks that are being replaced: who finds it ends the work, for it is half done."""

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

import msgspec

from holdfast.disks import images
from holdfast.machines.appearing import sync_folder
from holdfast.machines.restore_errors import ReplacementPending
from holdfast.machines.state_files import replace_file
from holdfast.machines.vm_lock import FOLDER

T = TypeVar("T")
OVERLAY = ".holdfast-restore"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A disk of which an image above it, `overlay`, holds all that is to be different."""

    target: str
    image: str
    format: str
    size: int

    @property
    def overlay(self) -> str:
        return self.image + OVERLAY


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


def bring_to_end(note: Note) -> None:
    """Write what is gathered into the disks; may be done again after any interruption."""
    for part in note.parts:
        overlay = Path(part.overlay)
        if not overlay.exists():
            # It was dealt with before: it goes when its disk is done.
            continue
        images.commit(overlay)
        _resize(part)
        _sync(part.image)
        overlay.unlink()


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


def _resize(part: Part) -> None:
    """A commit makes a disk larger, never smaller."""
    image = Path(part.image)
    if images.inspect(image, format_=part.format).virtual_size != part.size:
        images.resize(image, part.size, format_=part.format, may_shrink=True)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file(home: str, uuid: str) -> Path:
    return Path(home, FOLDER, f"{uuid}.restore")
