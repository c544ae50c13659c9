"""Whether a point was booted, and what was seen: kept in the vault, so that every machine knows.

Sealed files below holdfast/verdicts, which restic passes over; one for each try.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId
from holdfast.base.texts import _
from holdfast.storage.rest_errors import StillImmutable
from holdfast.vault.layout import OWN
from holdfast.vault.repository import Repository
from holdfast.vault.sealed_files import SealedFiles
from holdfast.vault.snapshot import Snapshot

VERDICTS = f"{OWN}/verdicts"


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`proof` is what showed that it is up: agent, console, or nothing."""

    version: int = 1
    point: str
    name: str
    at: datetime
    is_good: bool
    proof: str = ""
    reason: str = ""
    # Since the command began.
    seconds_to_running: float = 0.0
    seconds_to_up: float | None = None
    agent: str = ""
    system: str = ""
    # The end of what the console said.
    console: str = ""
    picture_type: str = ""
    picture: bytes = b""
    # Why there is no picture.
    picture_reason: str = ""


def save_verdict(files: SealedFiles, verdict: Verdict) -> None:
    files.save(VERDICTS, msgspec.json.encode(verdict))


def load_verdicts(files: SealedFiles, *, warn: Callable[[str], None]) -> list[Verdict]:
    """Oldest first; one that cannot be read must not hide the others."""
    found = [verdict for _name, verdict in _named(files, warn)]
    return sorted(found, key=lambda each: each.at)


def newest_verdict(
    files: SealedFiles, point: Snapshot, *, warn: Callable[[str], None]
) -> Verdict | None:
    """What the last try to boot this point came to; None: nobody has tried."""
    ids = _ids_of(point)
    return next(
        (one for one in reversed(load_verdicts(files, warn=warn)) if one.point in ids), None
    )


def forget_verdicts(repository: Repository) -> int:
    """Remove those of points that are gone; how many that were."""
    files = repository.files
    # A damaged one says nothing of its point, and hurts nobody.
    verdicts = list(_named(files, warn=lambda _problem: None))
    if not verdicts:
        return 0
    known = {one for point in repository.snapshots() for one in _ids_of(point)}
    gone = [name for name, verdict in verdicts if verdict.point not in known]
    return sum(_is_deleted(files, name) for name in gone)


def _named(files: SealedFiles, warn: Callable[[str], None]) -> Iterator[tuple[FileId, Verdict]]:
    for name in list(files.names(VERDICTS)):
        try:
            yield name, msgspec.json.decode(files.load(VERDICTS, name), type=Verdict)
        except (HoldfastError, msgspec.DecodeError, UnicodeDecodeError) as err:
            problem = _("A verdict of a boot is damaged and ignored: {reason}")
            warn(problem.format(reason=err))


def _ids_of(point: Snapshot) -> frozenset[str]:
    """Its own id, and the one it had before it was marked."""
    return frozenset((point.id, point.stored.original)) - {""}


def _is_deleted(files: SealedFiles, name: FileId) -> bool:
    try:
        files.delete(VERDICTS, name)
    except StillImmutable:
        return False
    return True
