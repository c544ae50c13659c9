"""Who needs which point of a replica, and until when: a file for each, in the folder pins.

A pinned point stays whatever the policy says. One whose files are in use stays as it is in its
files too: no layer it reads from is merged or written.
"""

import contextlib
import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from holdfast.machines.state_files import replace_file
from holdfast.replication.replica_folder import ReplicaFolder, site_errors
from holdfast.storage.durable import sync_folder

_SUFFIX = ".json"


class Pin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    generation: str
    who: str
    since: datetime
    # None: until it is taken away.
    until: datetime | None = None
    # A machine may have its layers open.
    holds_files: bool = False

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


def put_pin(folder: ReplicaFolder, pin: Pin) -> None:
    """One of each who for a point; a new one takes the place of an old one."""
    with site_errors(folder.path):
        replace_file(_file(folder, pin.generation, pin.who), msgspec.json.encode(pin))


def remove_pin(folder: ReplicaFolder, generation: str, who: str) -> None:
    with site_errors(folder.path), contextlib.suppress(FileNotFoundError):
        _file(folder, generation, who).unlink()
        sync_folder(folder.pins)


def pins(folder: ReplicaFolder, now: datetime) -> list[Pin]:
    """Those that hold; what is no pin is passed over, what has expired is removed.

    Where nobody can look, nobody knows what is in use, and nothing is merged or removed.
    """
    found = []
    for path in sorted(_paths(folder)):
        pin = _read(folder, path)
        if pin is None:
            continue
        if pin.holds(now):
            found.append(pin)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    return found


def _read(folder: ReplicaFolder, path: Path) -> Pin | None:
    with site_errors(folder.path), contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Pin)
    return None


def pinned_generations(found: list[Pin]) -> frozenset[str]:
    return frozenset(pin.generation for pin in found)


def _paths(folder: ReplicaFolder) -> list[Path]:
    with site_errors(folder.path), contextlib.suppress(FileNotFoundError):
        names = os.listdir(folder.pins)
        return [folder.pins / name for name in names if name.endswith(_SUFFIX)]
    return []


def _file(folder: ReplicaFolder, generation: str, who: str) -> Path:
    return folder.pins / f"{generation}-{sha256(who.encode()).hexdigest()[:16]}{_SUFFIX}"
