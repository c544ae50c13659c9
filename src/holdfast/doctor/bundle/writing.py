"""Write a bundle: deterministic, capped, redacted, the manifest first."""

import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

import msgspec

from holdfast.doctor.artefacts import Artefact, Missing
from holdfast.doctor.bundle.manifest import NAME, SCHEMA, TAKEN, TRUNCATED, Entry, Manifest
from holdfast.doctor.bundle.redaction import Redactor
from holdfast.doctor.catalogue_types import Probe
from holdfast.doctor.decoding import blocks

_MIB = 1 << 20
_PUBLIC, _SECRET = "public", "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where a bundle comes from."""

    version: str
    platform: str
    time_zone: str
    collected_at: datetime


def write_bundle(
    stream: BinaryIO,
    gathered: Iterable[Artefact | Missing],
    *,
    probes: Mapping[str, Probe],
    machine: Machine,
    redactor: Redactor,
    components: Iterable[str] = (),
) -> Manifest:
    """Write the bundle and say what is in it."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bundle-") as folder:
        entries = tuple(
            sorted(
                _entries(folder, gathered, probes, redactor), key=lambda one: (one.probe, one.path)
            )
        )
        manifest = Manifest(
            schema=SCHEMA,
            version=machine.version,
            collected_at=machine.collected_at,
            platform=machine.platform,
            time_zone=machine.time_zone,
            entries=entries,
            components=tuple(sorted(components)),
            redacted=dict(sorted(redactor.counts.items())),
        )
        _pack(stream, manifest, folder)
    return manifest


def _entries(
    folder: str,
    gathered: Iterable[Artefact | Missing],
    probes: Mapping[str, Probe],
    redactor: Redactor,
) -> Iterator[Entry]:
    for number, one in enumerate(gathered):
        if isinstance(one, Missing):
            yield Entry(probe=one.probe, status=one.status, reason=one.reason)
        elif one.probe and one.probe in probes:
            yield _taken(folder, number, one, probes[one.probe], redactor)


def _taken(folder: str, number: int, artefact: Artefact, probe: Probe, redactor: Redactor) -> Entry:
    assert artefact.probe is not None
    path = f"artefacts/{artefact.probe}/{number:04d}-{_file_name(artefact.name)}"
    target = os.path.join(folder, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if probe.privacy == _SECRET:
        # Only that it is there may be known.
        return Entry(probe=artefact.probe, status=TAKEN, name=artefact.name, reason="kept back")
    whole = _copy(artefact, target, probe, redactor)
    with open(target, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Entry(
        probe=artefact.probe,
        status=TAKEN if whole and artefact.whole else TRUNCATED,
        name=_shown(artefact.name, redactor),
        path=path,
        size=os.path.getsize(target),
        sha256=digest,
    )


def _shown(name: str, redactor: Redactor) -> str:
    """A path names users and hosts as well as its content does."""
    return next(redactor.lines(iter([name.encode()]))).decode("utf-8", "replace")


def _copy(artefact: Artefact, target: str, probe: Probe, redactor: Redactor) -> bool:
    """Copy as UTF-8, redacted; of what is longer than its cap the end, where the trouble is."""
    cap = probe.cap_mib * _MIB
    with artefact.open() as source, open(target, "wb+") as copy:
        for block in blocks(source):
            lines = block.splitlines(keepends=True)
            kept = lines if probe.privacy == _PUBLIC else redactor.lines(iter(lines))
            copy.writelines(kept)
        size = copy.tell()
        if size <= cap:
            return True
        _keep_end(copy, cap)
        return False


def _keep_end(copy: BinaryIO, cap: int) -> None:
    copy.seek(-cap, io.SEEK_END)
    copy.readline()  # what is left of a line is no line
    with tempfile.TemporaryFile() as tail:
        shutil.copyfileobj(copy, tail)
        tail.seek(0)
        copy.seek(0)
        copy.truncate()
        shutil.copyfileobj(tail, copy)


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[-80:] or "output"


def _pack(stream: BinaryIO, manifest: Manifest, folder: str) -> None:
    """The same artefacts give the same bytes: no times, no owners, one order."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    with (
        gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        archive.addfile(_member(NAME, len(text)), io.BytesIO(text))
        for entry in manifest.entries:
            if entry.path:
                with open(os.path.join(folder, entry.path), "rb") as content:
                    archive.addfile(_member(entry.path, entry.size), content)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member
