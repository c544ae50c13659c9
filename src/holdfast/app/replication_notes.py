"""Small files about replication, each whole and durable, or not there."""

from pathlib import Path
from typing import TypeVar

import msgspec

from holdfast.app.replication_errors import ReplicationNoteUnreadable
from holdfast.machines.state_files import replace_file

_T = TypeVar("_T", bound=msgspec.Struct)


def read_note(path: Path, kind: type[_T]) -> _T | None:
    """None where there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError, UnicodeError) as err:
        raise ReplicationNoteUnreadable(file=str(path), reason=err) from err


def write_note(path: Path, note: object) -> None:
    write_private(path, msgspec.json.format(msgspec.json.encode(note), indent=1) + b"\n")


def write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    replace_file(path, content)
