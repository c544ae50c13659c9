"""Where artefacts come from: files and folders that somebody hands over, and text on a pipe.

A live host and archives are sources too; they stand where processes may be started and archives
be opened.
"""

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from holdfast.doctor.artefacts import Artefact, Missing
from holdfast.doctor.catalogue_types import Probe
from holdfast.doctor.reading import matches_path


class Source(Protocol):
    """Hands over what there is, in an order that is the same every time."""

    # The moment that counts as now: for what was collected earlier, the time of collection.
    @property
    def now(self) -> datetime | None: ...

    def gather(self) -> Iterable[Artefact | Missing]: ...


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file, known by its content alone."""

    path: Path
    now: datetime | None = None

    def gather(self) -> Iterator[Artefact | Missing]:
        yield _artefact(self.path, None)


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Every file of a folder and the folders in it; a probe is known by where its file lies."""

    path: Path
    probes: Mapping[str, Probe] = field(default_factory=dict)
    now: datetime | None = None

    def gather(self) -> Iterator[Artefact | Missing]:
        for path in _files_below(self.path):
            yield _artefact(path, probe_at(self.probes, path.relative_to(self.path).as_posix()))


class StdinSource:
    """Text that is piped in, kept in a file that has no name, since readers come back to it."""

    now: datetime | None = None

    def __init__(self, stream: BinaryIO) -> None:
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the source does
        shutil.copyfileobj(stream, self._kept)
        self._kept.flush()
        weakref.finalize(self, self._kept.close)

    def gather(self) -> Iterator[Artefact | Missing]:
        yield Artefact(name="stdin", opened=self._opened)

    def _opened(self) -> BinaryIO:
        # Another door to the same file, with a place of its own.
        return open(f"/proc/self/fd/{self._kept.fileno()}", "rb")


def probe_at(probes: Mapping[str, Probe], path: str) -> str | None:
    """The probe whose place in a bundle this is; of several, the one that names most of the path."""
    fitting = [
        (len(pattern), name)
        for name, probe in probes.items()
        for pattern in probe.bundle
        if matches_path(path, (pattern,))
    ]
    return max(fitting)[1] if fitting else None


def _files_below(folder: Path) -> Iterator[Path]:
    """Plain files only: a link may lead out of the folder, and a pipe never ends."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(where, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _artefact(path: Path, probe: str | None) -> Artefact | Missing:
    # A name may be no text; in a report it must be.
    name = str(path).encode("utf-8", "backslashreplace").decode()
    try:
        with path.open("rb"):
            pass
    except OSError as err:
        return Missing(probe=name, reason=err.strerror or type(err).__name__)
    return Artefact(name=name, opened=lambda: path.open("rb"), probe=probe)
