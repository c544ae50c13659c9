"""Whether a machine that was failed over to this host ran here, up to when the host went down.

HOME/recovery/UUID/up.json
"""

import contextlib
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.machines.state_files import replace_file

_NAME = "up.json"
# A host that goes down in order shuts its machines down a while before whoever looks at them.
_GOING_DOWN = timedelta(minutes=15)


class UpNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`boot` is the start of the host in which it was looked at, and seen to run, last."""

    boot: str
    looked_at: datetime
    ran_at: datetime | None = None
    # Why it was not started again since.
    why: str = ""

    def is_to_start(self, boot: str) -> bool:
        """It went down with its host, and this is another start of that."""
        if self.boot == boot or self.ran_at is None:
            return False
        return self.looked_at - self.ran_at <= _GOING_DOWN


def up_note(folder: Path) -> UpNote | None:
    """None where nobody has looked, or what is there does not read."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=UpNote)
    return None


def keep_up_note(folder: Path, note: UpNote) -> None:
    if up_note(folder) != note:
        replace_file(folder / _NAME, msgspec.json.encode(note))


def mark_up(folder: Path, boot: str, clock: Clock) -> None:
    """It runs."""
    now = clock.now()
    keep_up_note(folder, UpNote(boot=boot, looked_at=now, ran_at=now))


def drop_up_note(folder: Path) -> None:
    (folder / _NAME).unlink(missing_ok=True)
