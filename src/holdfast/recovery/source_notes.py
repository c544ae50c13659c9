"""What a source remembers of the order it obeys; the world says how far it is.

HOME/recovery/UUID/source.json
"""

import contextlib
from datetime import datetime
from pathlib import Path

import msgspec

from holdfast.machines.state_files import replace_file
from holdfast.replication.site_orders import OrderKind

_NAME = "source.json"


class SourceNotes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    act: str = ""
    kind: OrderKind = OrderKind.NOTHING
    since: datetime | None = None
    # The newest generation when the act was first heard of.
    base: str = ""
    # The guest was, before anything was done to it.
    was_running: bool = False
    # From here on its definition may be barred.
    is_barring: bool = False
    # The start of this host after which it has been started, or needed not be.
    boot: str = ""
    # An act of the site's that a person here has not let come to its end.
    refused: str = ""

    @property
    def is_handing_over(self) -> bool:
        """Nobody has let it go again."""
        return self.kind in (OrderKind.HAND_OVER, OrderKind.HAND_OVER_LIVE)

    def released(self) -> "SourceNotes":
        return SourceNotes(boot=self.boot, refused=self.refused)


class NotesFile:
    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME

    @property
    def now(self) -> SourceNotes:
        """As they are kept: a command may have written them. Those that do not read are none."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(self._path.read_bytes(), type=SourceNotes)
        return SourceNotes()

    def change(self, **fields: object) -> SourceNotes:
        """Durable when it returns."""
        return self.put(msgspec.structs.replace(self.now, **fields))

    def put(self, notes: SourceNotes) -> SourceNotes:
        if notes != self.now:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._path, msgspec.json.encode(notes))
        return notes
