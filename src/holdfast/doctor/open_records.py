"""What checks of Windows products ask of logs: recent records that nothing later has ended."""

from collections.abc import Sequence

from holdfast.doctor.checking import recent
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Record
from holdfast.doctor.model import Span

DAYS = 14.0
SHOWN = 4
_LONGEST = 160


def open_records(facts: Facts, *events: str, over: str = "") -> list[Record]:
    """Recent records that no later record of recovery has ended."""
    ends = facts.event(over) if over else []
    found = recent(facts, facts.event(*events), days=DAYS)
    return [one for one in found if not any(_later(end, one) for end in ends)]


def _later(end: Record, one: Record) -> bool:
    if end.when and one.when and end.when != one.when:
        return end.when > one.when
    return end.span.artefact == one.span.artefact and end.span.first > one.span.first


def spans(records: Sequence[Record]) -> tuple[Span, ...]:
    """The first record and the last ones."""
    chosen = [*records[:1], *records[1:][-(SHOWN - 1) :]]
    return tuple(dict.fromkeys(one.span for one in chosen))


def short(record: Record) -> str:
    return " ".join(record.text.split())[:_LONGEST]
