"""Ask the doctor: about this host, or about files that were handed over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from holdfast.app.doctor_errors import DoctorInputMissing, DoctorLimitUnknown
from holdfast.app.doctor_live import LiveSource, elsewhere, present
from holdfast.app.doctor_suppressions import Suppression, in_force, read_file, read_option
from holdfast.app.job_records import find
from holdfast.app.own_probes import tell
from holdfast.app.wiring import Session
from holdfast.doctor.artefacts import Artefact, Missing
from holdfast.doctor.bundle.reading import ArchiveSource
from holdfast.doctor.bundle.unpacking import is_archive
from holdfast.doctor.catalogue_types import Param, Probe
from holdfast.doctor.examination import Examination, Wishes, examine, understand
from holdfast.doctor.loading import Catalogue, load
from holdfast.doctor.model import Severity
from holdfast.doctor.sources import FileSource, FolderSource, Source, StdinSource

SUPPRESSIONS = "doctor.toml"
_SYSTEM_SUPPRESSIONS = Path("/etc/holdfast") / SUPPRESSIONS
PIPE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for in words, not yet looked up in the catalogue."""

    fail_on: str = "error"
    first: bool = False
    limits: Sequence[str] = ()
    suppress: Sequence[str] = ()
    suppressions: Path | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """Artefacts that are there already, as a source."""

    artefacts: Sequence[Artefact | Missing]
    now: datetime | None = None

    def gather(self) -> Iterable[Artefact | Missing]:
        return self.artefacts


def check_up(session: Session, words: Sequence[str], options: Options) -> Examination:
    """Look at this host: for what was asked, or for everything that is here."""
    catalogue = load()
    live = live_source(session, needed(catalogue))
    gathered = tuple(live.gather())
    wishes = replace(
        wishes_of(session, catalogue, options),
        components=present(catalogue, gathered, is_asked=bool(words)),
    )
    meant = [_meant(session, word) for word in words]
    asked = understand(catalogue, meant) if meant else ()
    here = Given(gathered, live.now)
    return examine(catalogue, [here], asked=asked, wishes=wishes, live=True)


def _meant(session: Session, word: str) -> str:
    """A job of this machine stands for the error it ended with."""
    record = find(session.settings.home, word)
    return str(record.get("error") or word) if record else word


def needed(catalogue: Catalogue) -> dict[str, Probe]:
    """What some cause asks for, and nothing else; a bundle holds the same as is looked at here."""
    wanted = {name for cause in catalogue.causes.values() for name in cause.probes}
    return {name: probe for name, probe in catalogue.probes.items() if name in wanted}


def live_source(session: Session, probes: Mapping[str, Probe]) -> LiveSource:
    return LiveSource(
        probes=probes,
        environment=session.settings.harmless,
        clock=session.clock,
        own=lambda probe: tell(probe, session),
        elsewhere=elsewhere(load()),
    )


def diagnose(
    session: Session,
    paths: Sequence[str],
    options: Options,
    *,
    words: Sequence[str] = (),
    stdin: BinaryIO | None = None,
) -> Examination:
    """Look at what was handed over and nowhere else."""
    catalogue = load()
    sources = [source_for(path, catalogue, stdin=stdin) for path in paths]
    asked = understand(catalogue, words) if words else ()
    wishes = replace(wishes_of(session, catalogue, options), components=_told(sources))
    return examine(catalogue, sources, asked=asked, wishes=wishes)


def _told(sources: Sequence[Source]) -> frozenset[str] | None:
    """What the machines of our own bundles had; with anything else beside them, all counts."""
    told = [one.components for one in sources if isinstance(one, ArchiveSource)]
    known = [components for components in told if components]
    return frozenset().union(*known) if known and len(known) == len(sources) else None


def source_for(path: str, catalogue: Catalogue, *, stdin: BinaryIO | None) -> Source:
    if path == PIPE and stdin is not None:
        return StdinSource(stdin)
    place = Path(path)
    if place.is_dir():
        return FolderSource(place, catalogue.probes)
    try:
        if is_archive(path):
            return ArchiveSource(place, catalogue.probes)
        return FileSource(place)
    except OSError as err:
        raise DoctorInputMissing(path=path, reason=err.strerror) from err


def wishes_of(session: Session, catalogue: Catalogue, options: Options) -> Wishes:
    return Wishes(
        overrides=dict(limit(catalogue, given) for given in options.limits),
        suppressed=frozenset(_suppressed(session, catalogue, options)),
        first=options.first,
        fail_on=Severity.of(options.fail_on),
    )


def limit(catalogue: Catalogue, given: str) -> tuple[str, float | int | str]:
    """Read CAUSE.LIMIT=VALUE; the value is of the kind that the catalogue's own is of."""
    name, _equals, value = given.partition("=")
    known = {
        f"{cause}.{key}": param
        for cause, entry in catalogue.causes.items()
        for key, param in entry.param.items()
    }
    param = known.get(name.strip())
    try:
        if param is not None:
            return name.strip(), _of_kind(param, value.strip())
    except ValueError:
        pass
    raise DoctorLimitUnknown(given=given, known=", ".join(_close(name, known)))


def _of_kind(param: Param, value: str) -> float | str:
    return value if isinstance(param.value, str) else float(value)


def _close(name: str, known: Iterable[str]) -> list[str]:
    import difflib

    every = list(known)
    return difflib.get_close_matches(name, every, n=3, cutoff=0.3) or every[:3]


def _suppressed(session: Session, catalogue: Catalogue, options: Options) -> Iterable[str]:
    wanted = [*map(read_option, options.suppress), *_from_files(session, options)]
    today = session.clock.now().date()
    return in_force(wanted, catalogue, today=today, warn=session.warn)


def _from_files(session: Session, options: Options) -> Iterable[Suppression]:
    if options.suppressions:
        return read_file(options.suppressions)
    usual = (_SYSTEM_SUPPRESSIONS, Path(session.settings.home) / SUPPRESSIONS)
    return [one for path in usual if path.exists() for one in read_file(path)]
