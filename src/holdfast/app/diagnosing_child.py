"""The process that reads what people handed over to the server's doctor, within its limits."""

import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import speaking
from holdfast.base.units import GIB, MIB
from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.bundle.reading import ArchiveSource
from holdfast.doctor.bundle.unpacking import Limits, is_archive
from holdfast.doctor.examination import Examination, Wishes, examine, understand
from holdfast.doctor.loading import Catalogue, load
from holdfast.doctor.report.building import build
from holdfast.doctor.report.document import DoctorReport
from holdfast.doctor.sources import FileSource, Source

ASKED, FILES = "asked.json", "files"
CPU_SECONDS = 90
# How a process ends that used up its time, as its parent sees it.
TOO_SLOW = -24
_MEMORY = 2 * GIB
_UNPACKED = 512 * MIB
_MEMBERS = 5000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted of the things that lie in the folder."""

    symptoms: list[str]
    languages: list[str]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The report by language; or the code of an error of ours with its fields; or our fault."""

    reports: dict[str, DoctorReport] = {}
    refused: str = ""
    fields: dict[str, str] = {}
    fault: dict[str, str] = {}


class _Named:
    """A file under the name it was handed over with."""

    now = None

    def __init__(self, path: Path) -> None:
        self._path = path

    def gather(self) -> Sequence[Artefact]:
        found = (one for one in FileSource(self._path).gather() if isinstance(one, Artefact))
        return [replace(one, name=self._path.name) for one in found]


def main(folder: Path) -> None:
    _confine()
    try:
        told = Told(reports=_reports(folder))
    except HoldfastError as err:
        fields = {name: str(value).replace(f"{folder}/", "") for name, value in err.fields.items()}
        told = Told(refused=err.code, fields={**fields, **_named(err)})
    except Exception as err:  # whatever it is, whoever asked is told what it was
        told = Told(fault={"kind": type(err).__name__, "reason": str(err)})
    text = msgspec.json.encode(told).decode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()


def _confine() -> None:
    """A file that is made to do harm does it to this process alone."""
    os.nice(10)
    for limit, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, _UNPACKED),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))


def _reports(folder: Path) -> dict[str, DoctorReport]:
    asked = msgspec.json.decode((folder / ASKED).read_bytes(), type=Asked)
    catalogue = load()
    sources = [_source(path, catalogue) for path in sorted((folder / FILES).glob("*/*"))]
    seen = examine(
        catalogue,
        sources,
        asked=understand(catalogue, asked.symptoms) if asked.symptoms else (),
        wishes=Wishes(components=_told_by(sources)),
    )
    return {language: _report(catalogue, seen, language) for language in asked.languages}


def _source(path: Path, catalogue: Catalogue) -> Source:
    if is_archive(str(path)):
        limits = Limits(files=_MEMBERS, size=_UNPACKED)
        return ArchiveSource(path, catalogue.probes, limits=limits)
    return _Named(path)


def _told_by(sources: Sequence[Source]) -> frozenset[str] | None:
    """What the machines of our own bundles had; with anything else beside them, all counts."""
    told = [one.components for one in sources if isinstance(one, ArchiveSource)]
    known = [components for components in told if components]
    return frozenset().union(*known) if known and len(known) == len(sources) else None


def _report(catalogue: Catalogue, seen: Examination, language: str) -> DoctorReport:
    with speaking(language):
        return build(catalogue, seen)


def _named(error: HoldfastError) -> dict[str, str]:
    """A file by the name its owner knows."""
    file = error.fields.get("file")
    return {"file": Path(str(file)).name} if file else {}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
