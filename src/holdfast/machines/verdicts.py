"""Whether a point was booted, and what was seen: kept in the vault, so that every machine knows.

Sealed files in holdfast/verdicts/POINT, which restic passes over; one for each try. They have
pictures, so that nobody fetches those of another point, or one only to forget it.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import is_file_id
from holdfast.base.texts import _
from holdfast.storage.rest_errors import StillImmutable
from holdfast.vault.layout import OWN, SNAPSHOTS
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
    files.save(_folder(verdict.point), msgspec.json.encode(verdict))


def load_verdicts(
    files: SealedFiles, points: Iterable[str], *, warn: Callable[[str], None]
) -> list[Verdict]:
    """Oldest first; one that cannot be read must not hide the others."""
    found = [verdict for point in points for verdict in _of(files, point, warn)]
    return sorted(found, key=lambda each: each.at)


def newest_verdict(
    files: SealedFiles, point: Snapshot, *, warn: Callable[[str], None]
) -> Verdict | None:
    """What the last try to boot this point came to; None: nobody has tried."""
    found = load_verdicts(files, sorted(_ids_of(point)), warn=warn)
    return found[-1] if found else None


def forget_verdicts(repository: Repository) -> int:
    """Remove those of points that are gone; how many that were."""
    files = repository.files
    kept = list(_paths(files))
    gone = {point for point, _path in kept} - {*files.names(SNAPSHOTS)}
    if gone:
        # A point that was marked has another name, and what is known of it the one before.
        gone -= {one for point in repository.snapshots() for one in _ids_of(point)}
    return sum(_is_deleted(files, path) for point, path in kept if point in gone)


def _folder(point: str) -> str:
    return f"{VERDICTS}/{point}"


def _paths(files: SealedFiles) -> Iterator[tuple[str, str]]:
    """Of each its point, and where it lies."""
    for entry in files.storage.list(VERDICTS):
        point, _slash, name = entry.name.removeprefix(f"{VERDICTS}/").partition("/")
        if is_file_id(point) and is_file_id(name):
            yield point, entry.name


def _of(files: SealedFiles, point: str, warn: Callable[[str], None]) -> Iterator[Verdict]:
    folder = _folder(point)
    for name in list(files.names(folder)):
        try:
            yield msgspec.json.decode(files.load(folder, name), type=Verdict)
        except (HoldfastError, msgspec.DecodeError, UnicodeDecodeError) as err:
            problem = _("A verdict of a boot is damaged and ignored: {reason}")
            warn(problem.format(reason=err))


def _ids_of(point: Snapshot) -> frozenset[str]:
    """Its own id, and the one it had before it was marked."""
    return frozenset((point.id, point.stored.original)) - {""}


def _is_deleted(files: SealedFiles, path: str) -> bool:
    try:
        files.storage.delete(path)
    except StillImmutable:
        return False
    return True
