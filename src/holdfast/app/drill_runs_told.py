"""Runs of drills on this host, as its agent brings them to its server: the report is made there, too."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from holdfast.fleet.recovery_messages import (
    LONGEST_PICTURE,
    LONGEST_RUN,
    MOST_DRILL_RUNS,
    DrillRunTold,
)
from holdfast.recovery.drills.drill import DrillRun
from holdfast.recovery.drills.drill_folder import FOLDER, DrillFolder, drilled_here

_OF_BASE64 = 4 / 3


@dataclass(frozen=True, slots=True)
class Marks:
    """What tells without reading them whether the files are as they were."""

    files: tuple[tuple[str, int, int], ...]


def marks_of_runs(home: str) -> Marks:
    return Marks(tuple(sorted(_stats(home))))


def runs_to_tell(home: str, known: Mapping[str, str]) -> Iterator[DrillRunTold]:
    """Those that the server does not have as they are; of each machine the newest, oldest first."""
    for vm in drilled_here(home):
        folder = DrillFolder(home, vm)
        for run in folder.runs()[-MOST_DRILL_RUNS:]:
            picture = folder.picture(run.trial.id) or b""
            digest = _digest(run, picture)
            if known.get(run.trial.id) != digest:
                told = _told(run, picture, digest)
                if len(msgspec.json.encode(told.run)) <= LONGEST_RUN:
                    yield told


def _told(run: DrillRun, picture: bytes, digest: str) -> DrillRunTold:
    is_small = len(picture) * _OF_BASE64 < LONGEST_PICTURE
    return DrillRunTold(
        digest=digest,
        run=msgspec.to_builtins(run),
        picture=base64.b64encode(picture).decode() if is_small else "",
    )


def _digest(run: DrillRun, picture: bytes) -> str:
    return hashlib.sha256(msgspec.json.encode(run) + picture).hexdigest()[:32]


def _stats(home: str) -> Iterator[tuple[str, int, int]]:
    for path in Path(home, FOLDER).glob("*/runs/*"):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        yield str(path), found.st_mtime_ns, found.st_size
