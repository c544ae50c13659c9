"""Which points were started once and did what was asked of them: `latest-tested` chooses by it.

HOME/recovery/UUID/tested.json
"""

from datetime import datetime
from pathlib import Path

import msgspec

from holdfast.machines.state_files import replace_file
from holdfast.recovery.record_folder import FOLDER

_FILE = "tested.json"
# Points go; more than a replica keeps are never asked for.
_MOST = 500


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    generation: str
    at: datetime
    # Of the test failover that has shown it.
    trial: str


def tested_points(home: str, vm: str) -> dict[str, Tested]:
    """By generation; a mark that does not read is none: nothing is trusted for it."""
    try:
        found = msgspec.json.decode(_path(home, vm).read_bytes(), type=list[Tested])
    except (OSError, msgspec.DecodeError):
        return {}
    return {each.generation: each for each in found}


def mark_tested(home: str, vm: str, mark: Tested) -> None:
    """Durable when this returns."""
    found = {**tested_points(home, vm), mark.generation: mark}
    newest = sorted(found.values(), key=lambda each: each.at)[-_MOST:]
    path = _path(home, vm)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, msgspec.json.encode(newest))


def _path(home: str, vm: str) -> Path:
    return Path(home, FOLDER, vm, _FILE)
