"""Replications that were ended here: noted, until the server of this host has heard of it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from holdfast.app.registration_state import find_registration
from holdfast.app.replication_notes import write_note
from holdfast.fleet.replication_messages import ReplicationEnded


def note_end(home: str, ended: ReplicationEnded) -> None:
    """A host without a server has nobody to tell."""
    if find_registration(home) is not None:
        write_note(_file(home, ended.vm), ended)


def ends_noted(home: str) -> Iterator[ReplicationEnded]:
    """One that cannot be read is as good as none: the server sees that it is gone all the same."""
    try:
        names = sorted(os.listdir(_folder(home)))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            content = (_folder(home) / name).read_bytes()
            yield msgspec.json.decode(content, type=ReplicationEnded)


def forget_end(home: str, vm: str) -> None:
    """It was told, or the machine is replicated once more."""
    _file(home, vm).unlink(missing_ok=True)


def _folder(home: str) -> Path:
    return Path(home, "agent", "replications-ended")


def _file(home: str, vm: str) -> Path:
    return _folder(home) / f"{vm}.json"
