"""What links were seen to carry, kept beside the profiles: HOME/planner/probes.jsonl."""

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from holdfast.replication.planner.profile_errors import ProfileUnwritable
from holdfast.replication.planner.profile_folder import FOLDER

_FILE = "probes.jsonl"


class ProbeLine(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    site: str
    # Bytes a second.
    rate: float
    round_trip_seconds: float = 0.0
    # The rate that was allowed; None: no limit.
    limit: int | None = None


def keep_probe(home: str, line: ProbeLine) -> None:
    folder = Path(home, FOLDER)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(folder / _FILE, flags, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(line) + b"\n")
        finally:
            os.close(descriptor)
    except OSError as err:
        raise ProfileUnwritable(vm=line.site, path=folder, reason=err.strerror or err) from err


def kept_probes(home: str) -> list[ProbeLine]:
    """In the order in which they were made."""
    with contextlib.suppress(OSError):
        return list(_read(Path(home, FOLDER, _FILE).read_bytes()))
    return []


def _read(content: bytes) -> Iterator[ProbeLine]:
    for line in content.splitlines():
        with contextlib.suppress(msgspec.DecodeError, UnicodeError):
            yield msgspec.json.decode(line, type=ProbeLine)
