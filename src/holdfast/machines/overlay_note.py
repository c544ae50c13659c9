"""What was about to be done to a machine's overlays: who finds the note sees how far it came."""

import contextlib
from pathlib import Path

import msgspec

from holdfast.machines.state_files import replace_file
from holdfast.machines.vm_lock import FOLDER


class OverlayNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Files by disk that are put on top, and files that are no part of a disk after a merge."""

    put: dict[str, str] = {}
    merged: tuple[str, ...] = ()


def read_overlay_note(home: str, uuid: str) -> OverlayNote:
    """Empty also where it does not read: then the images alone tell."""
    with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeError):
        return msgspec.json.decode(_file(home, uuid).read_bytes(), type=OverlayNote)
    return OverlayNote()


def write_overlay_note(home: str, uuid: str, note: OverlayNote) -> None:
    file = _file(home, uuid)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(file, msgspec.json.encode(note))


def remove_overlay_note(home: str, uuid: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        _file(home, uuid).unlink()


def _file(home: str, uuid: str) -> Path:
    return Path(home, FOLDER, f"{uuid}.overlays")
