"""What a source remembers of a machine that is on its way while it runs; QEMU and libvirt know the rest.

HOME/recovery/UUID/live.json
"""

import contextlib

import msgspec

from holdfast.machines.state_files import replace_file
from holdfast.recovery.record_folder import RecordFolder

_FILE = "live.json"


class LiveNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Written before anything is changed; from then on overlays may lie on the disks."""

    act: str
    attempt: str
    # By disk: the image it had, and what is written to since.
    below: dict[str, str]
    overlays: dict[str, str]
    formats: dict[str, str]
    # The point the images below are, once that is known, and what records changes since.
    generation: str = ""
    checkpoint: str = ""


def read_live(folder: RecordFolder) -> LiveNote | None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((folder.path / _FILE).read_bytes(), type=LiveNote)
    return None


def write_live(folder: RecordFolder, note: LiveNote) -> LiveNote:
    """Durable when it returns."""
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(folder.path / _FILE, msgspec.json.encode(note))
    return note


def drop_live(folder: RecordFolder) -> None:
    with contextlib.suppress(FileNotFoundError):
        (folder.path / _FILE).unlink()
