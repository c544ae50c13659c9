"""Which checkpoint each vault's newest point of a machine names.

A machine may be backed up to several vaults, and a backup to one must not remove what the next
backup to another is relative to. A note that is lost costs a comparison and nothing else.
"""

import contextlib
import os
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.machines.vm_lock import FOLDER

# A vault that is not used any more shall not hold a record of changes for ever.
_KEPT = timedelta(days=30)


_REPLICA = "replica:"


def is_of_replica(name: str) -> bool:
    """Whether a note is a replication's, and not a vault's."""
    return name.startswith(_REPLICA)


class _Note(msgspec.Struct, frozen=True, kw_only=True):
    checkpoint: str
    at: datetime


class CheckpointNotes:
    """Of one machine; to be used with its lock held."""

    def __init__(self, home: str, uuid: str, clock: Clock) -> None:
        self._path = Path(home, FOLDER, f"{uuid}.checkpoints")
        self._clock = clock

    def of_others(self, vault: str) -> frozenset[str]:
        """Checkpoints that points in other vaults name."""
        notes = self._read()
        return frozenset(note.checkpoint for name, note in notes.items() if name != vault)

    def of_replicas(self) -> frozenset[str]:
        """Checkpoints that replications need, which go on without backups."""
        notes = self._read()
        return frozenset(note.checkpoint for name, note in notes.items() if is_of_replica(name))

    def note(self, vault: str, checkpoint: str) -> None:
        notes = {name: note for name, note in self._read().items() if name != vault}
        if checkpoint:
            notes[vault] = _Note(checkpoint=checkpoint, at=self._clock.now())
        fresh = self._path.with_suffix(".part")
        # The point is made, whether or not it can be noted.
        with contextlib.suppress(OSError):
            fresh.write_bytes(msgspec.json.encode(notes))
            os.replace(fresh, self._path)

    def _read(self) -> dict[str, _Note]:
        with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeError):
            found = msgspec.json.decode(self._path.read_bytes(), type=dict[str, _Note])
            oldest = self._clock.now() - _KEPT
            return {name: note for name, note in found.items() if note.at > oldest}
        return {}
