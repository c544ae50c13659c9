"""Where the scratch folder lies: in the home, or where it was moved to."""

import json
import os
import secrets
from dataclasses import dataclass

from holdfast.app.setup_errors import ScratchMoved
from holdfast.storage.durable import sync_folder

_SETTING = "scratch.json"
# Lies in a scratch folder that was moved by us, and says which one it is.
MARK = ".holdfast-scratch"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchPlace:
    folder: str
    # None: where it always was, and nothing marks it.
    mark: str | None = None
    # The folder it was moved away from, as long as that is not removed.
    former: str | None = None


def scratch_place(home: str) -> ScratchPlace:
    """As set; whether it is there is another question."""
    try:
        with open(os.path.join(home, _SETTING), "rb") as stream:
            found = json.load(stream)
        return ScratchPlace(
            folder=str(found["folder"]), mark=str(found["mark"]), former=found.get("former")
        )
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        # Scratch holds only what can be made anew; a lost setting costs time and nothing else.
        return ScratchPlace(folder=os.path.join(home, "scratch"))


def scratch_folder(home: str) -> str:
    return scratch_place(home).folder


def require_in_place(home: str) -> str:
    """The folder; ScratchMoved when somebody moved or replaced it by hand."""
    place = scratch_place(home)
    if not is_in_place(place):
        raise ScratchMoved(folder=place.folder)
    return place.folder


def is_in_place(place: ScratchPlace) -> bool:
    return place.mark is None or read_mark(place.folder) == place.mark


def read_mark(folder: str) -> str | None:
    try:
        with open(os.path.join(folder, MARK), encoding="ascii") as stream:
            return stream.read().strip()
    except (OSError, UnicodeDecodeError):
        return None


def write_mark(folder: str) -> str:
    """Mark the folder, if it is not marked yet."""
    mark = read_mark(folder) or secrets.token_hex(8)
    _write(os.path.join(folder, MARK), mark + "\n")
    return mark


def set_place(home: str, place: ScratchPlace) -> None:
    """In one step: before it the old folder is used, after it the new one."""
    content = {"folder": place.folder, "mark": place.mark, "former": place.former}
    _write(os.path.join(home, _SETTING), json.dumps(content) + "\n")


def _write(path: str, content: str) -> None:
    fresh = f"{path}.part"
    with open(fresh, "w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(fresh, path)
    sync_folder(os.path.dirname(path))
