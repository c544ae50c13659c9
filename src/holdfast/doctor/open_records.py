"""What checks ask of records: recent ones that nothing later has ended, and the lines that show it."""

from collections.abc import Sequence
from datetime import timedelta

from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact, Record
from holdfast.doctor.model import Span

DAYS = 14.0
# The first record, the last, and a few between prove as much as all of them.
SHOWN = 4
_LONGEST = 160


def open_records(
    facts: Facts,
    *events: str,
    over: Sequence[str] = (),
    days: float = DAYS,
    place_breaks_ties: bool = True,
) -> list[Record]:
    """Recent records of these events that no later record of recovery has ended."""
    found = recent(facts, facts.event(*events), days=days)
    return unended(found, facts.event(*over), place_breaks_ties=place_breaks_ties)


def unended(
    found: Sequence[Record], over: Sequence[Record], *, place_breaks_ties: bool = True
) -> list[Record]:
    return [
        one
        for one in found
        if not any(follows(end, one, place_breaks_ties=place_breaks_ties) for end in over)
    ]


def recent(facts: Facts, records: Sequence[Record], *, days: float) -> list[Record]:
    """Leave out old history: what happened long before the end of its own log."""
    kept = []
    for record in records:
        end = facts.reference(record)
        if record.when is None or end is None or end - record.when <= timedelta(days=days):
            kept.append(record)
    return kept


def follows(later: Record, one: Record, *, place_breaks_ties: bool = True) -> bool:
    """By time; by place where times are missing, or are the same and a log's order counts."""
    if later.when and one.when and not (place_breaks_ties and later.when == one.when):
        return later.when > one.when
    return later.span.artefact == one.span.artefact and later.span.first > one.span.first


def spans(facts: Sequence[Fact]) -> tuple[Span, ...]:
    """The first and the last few; the same lines once."""
    chosen = [*facts[:1], *facts[1:][-(SHOWN - 1) :]]
    return tuple(dict.fromkeys(one.span for one in chosen))


def short(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
