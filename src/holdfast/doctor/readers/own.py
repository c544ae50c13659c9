"""What Holdfast's own probes write: JSON lines that say of what kind they are."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.model import Span
from holdfast.doctor.own_facts import (
    JobRecord,
    ScratchFolder,
    SkippedItem,
    VaultClock,
    VaultPlace,
    VaultStage,
)
from holdfast.doctor.readers.own_lines import KIND, looks_like, objects, plain
from holdfast.doctor.readers_registry import reader

_Line = dict[str, Any]


def _lines(artefact: Artefact, kind: str) -> Iterator[tuple[Span, _Line]]:
    """The objects of one kind."""
    return ((span, known) for span, known in objects(artefact) if known[KIND] == kind)


def _text(known: _Line, name: str) -> str:
    value = known.get(name)
    return "" if value is None else str(value)


def _size(known: _Line, name: str) -> int | None:
    value = known.get(name)
    return value if isinstance(value, int) else None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return plain(found)


@reader("own.jobs", accepts=looks_like(("job",)))
def read_jobs(artefact: Artefact) -> Iterator[Fact]:
    for span, known in _lines(artefact, "job"):
        chain, fields = known.get("chain"), known.get("fields")
        yield JobRecord(
            span=span,
            job=_text(known, "job"),
            vault=_text(known, "vault"),
            result=_text(known, "result"),
            ended=_moment(_text(known, "ended")),
            error=_text(known, "error"),
            chain=tuple(map(str, chain)) if isinstance(chain, list) else (),
            fields={k: str(v) for k, v in fields.items()} if isinstance(fields, dict) else {},
            skipped=_size(known, "skipped") or 0,
        )


@reader("own.scratch", accepts=looks_like(("scratch",)))
def read_scratch(artefact: Artefact) -> Iterator[Fact]:
    for span, known in _lines(artefact, "scratch"):
        yield ScratchFolder(
            span=span,
            folder=_text(known, "folder"),
            exists=known.get("exists") is True,
            writable=known.get("writable") is True,
            reason=_text(known, "reason"),
            in_place=known.get("in_place") is not False,
            kind=_text(known, "kind"),
            is_remote=known.get("is_remote") is True,
            size=_size(known, "size") or 0,
            free=_size(known, "free") or 0,
        )


@reader("own.vault", accepts=looks_like(("vault",)))
def read_vault(artefact: Artefact) -> Iterator[Fact]:
    for span, known in _lines(artefact, "vault"):
        yield VaultPlace(
            span=span,
            place=_text(known, "place"),
            kind=_text(known, "kind"),
            exists=known.get("exists") is True,
            has_config=known.get("has_config") is True,
            readable=known.get("readable") is not False,
            writable=known.get("writable") is not False,
            error=_text(known, "error"),
            reason=_text(known, "reason"),
            size=_size(known, "size"),
            free=_size(known, "free"),
        )


@reader("own.network", accepts=looks_like(("reach",)))
def read_network(artefact: Artefact) -> Iterator[Fact]:
    for span, known in _lines(artefact, "reach"):
        yield VaultStage(
            span=span,
            target=_text(known, "target"),
            stage=_text(known, "stage"),
            reached=known.get("reached") is True,
            seen=_text(known, "seen"),
        )


@reader("own.skipped", accepts=looks_like(("skipped",)))
def read_skipped(artefact: Artefact) -> Iterator[Fact]:
    for span, known in _lines(artefact, "skipped"):
        yield SkippedItem(
            span=span,
            path=_text(known, "path"),
            code=_text(known, "code"),
            errno=_size(known, "errno") or 0,
            detail=_text(known, "detail"),
        )


@reader("own.network", accepts=looks_like(("clock",)))
def read_clock(artefact: Artefact) -> Iterator[Fact]:
    for span, known in _lines(artefact, "clock"):
        ahead = known.get("ahead_seconds")
        if isinstance(ahead, (int, float)):
            yield VaultClock(span=span, ahead=timedelta(seconds=ahead))
