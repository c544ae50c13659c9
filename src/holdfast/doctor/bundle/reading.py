"""Archives as sources: our own bundles say what each artefact is, others only where it lay."""

import contextlib
import hashlib
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from holdfast.doctor.artefacts import Artefact, Missing
from holdfast.doctor.bundle.manifest import (
    MISSING,
    NAME,
    SCHEMA,
    TAKEN,
    TRUNCATED,
    Entry,
    Manifest,
)
from holdfast.doctor.bundle.unpacking import Limits, unpack
from holdfast.doctor.catalogue_types import Probe
from holdfast.doctor.errors import BundleUnreadable
from holdfast.doctor.sources import FolderSource


class ArchiveSource:
    """An archive, unpacked for as long as the source lives."""

    def __init__(
        self,
        path: Path,
        probes: Mapping[str, Probe] | None = None,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._path, self._probes = path, probes or {}
        self._folder = Path(tempfile.mkdtemp(prefix="holdfast-doctor-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        # Members that were refused or could not be read.
        self.left_out = unpack(str(path), str(self._folder), limits).left_out
        self._manifest = self._read_manifest()

    @property
    def now(self) -> datetime | None:
        """A bundle is judged at the moment it was collected, or a young credential grows old."""
        if self._manifest is None:
            return None
        return self._manifest.collected_at.astimezone(UTC).replace(tzinfo=None)

    @property
    def components(self) -> frozenset[str] | None:
        """What the machine had, where the archive tells."""
        return frozenset(self._manifest.components) if self._manifest else None

    def gather(self) -> Iterator[Artefact | Missing]:
        if self._manifest is None:
            yield from self._foreign()
            return
        # As a living host is read: where two artefacts disagree, the later one may count.
        place = {probe: number for number, probe in enumerate(self._probes)}
        known = sorted(self._manifest.entries, key=lambda one: place.get(one.probe, len(place)))
        for entry in known:
            yield self._own(entry)

    def _foreign(self) -> Iterator[Artefact | Missing]:
        """Whatever lies in it, named as in the archive."""
        root = self._folder
        for one in FolderSource(root, self._probes).gather():
            if isinstance(one, Missing):
                yield one
            else:
                inside = Path(one.name).relative_to(root).as_posix()
                opened = partial(self._opened, root / inside)
                yield replace(one, name=f"{self._path.name}:{inside}", opened=opened)

    def _own(self, entry: Entry) -> Artefact | Missing:
        path = self._folder / entry.path
        if not entry.path or not path.is_file():
            status = MISSING if entry.status in {TAKEN, TRUNCATED} else entry.status
            return Missing(probe=entry.probe, reason=entry.reason or entry.status, status=status)
        # What was changed after collection proves nothing by what it does not say.
        intact = _digest(path) == entry.sha256
        return Artefact(
            name=entry.name,
            opened=partial(self._opened, path),
            probe=entry.probe,
            whole=intact and entry.status == TAKEN,
            collected_at=self.now,
        )

    def _opened(self, path: Path) -> BinaryIO:
        """A method, so that an artefact in use keeps the folder it lies in."""
        return path.open("rb")

    def _read_manifest(self) -> Manifest | None:
        path = self._folder / NAME
        text = b""
        with contextlib.suppress(OSError), path.open("rb") as stream:
            text = stream.read()
        if SCHEMA.split("/", maxsplit=1)[0].encode() not in text:
            return None
        try:
            manifest = msgspec.json.decode(text, type=Manifest)
        except msgspec.DecodeError as err:
            raise BundleUnreadable(file=self._path, reason=err) from err
        if manifest.schema != SCHEMA:
            raise BundleUnreadable(file=self._path, reason=manifest.schema)
        return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
