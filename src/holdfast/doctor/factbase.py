"""All facts of one diagnosis, and what is known about what is not there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from holdfast.doctor.facts import Fact, LogSeen, Record
from holdfast.doctor.yearless import Dated, calendar, redated, relogged

F = TypeVar("F", bound=Fact)
# Enough to show when it began and how it is now; the number in between is counted.
KEPT = 200


@dataclass(slots=True)
class Hits:
    """The records of one event, oldest first; of very many only the first and the last are kept."""

    records: list[Record] = field(default_factory=list)
    count: int = 0

    def add(self, record: Record, stands_for: int = 1) -> None:
        self.count += stands_for
        if len(self.records) >= KEPT:
            del self.records[KEPT // 2]
        self.records.append(record)


@dataclass(slots=True)
class Facts:
    """What a check may know: facts by kind, events by name, and the moment that counts as now."""

    now: datetime | None = None
    platforms: frozenset[str] = frozenset()
    # Symptoms that somebody asked about: a sign that means nothing by itself may count then.
    asked: frozenset[str] = frozenset()
    # Probes that brought something, whole or not.
    probes: set[str] = field(default_factory=set)
    _facts: dict[type[Fact], list[Fact]] = field(default_factory=lambda: defaultdict(list))
    _events: dict[str, Hits] = field(default_factory=dict)

    def add(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self._facts[type(fact)].append(fact)

    def add_event(self, name: str, record: Record, stands_for: int = 1) -> None:
        self._events.setdefault(name, Hits()).add(record, stands_for)

    def of(self, kind: type[F]) -> Sequence[F]:
        """All facts of exactly this kind, in the order in which they were read."""
        return self._facts.get(kind, [])  # type: ignore[return-value]  # the key is the value's type

    def event(self, *names: str) -> list[Record]:
        """The records of these events, oldest first; those without a time keep their place."""
        found = [record for name in names for record in self._hits(name).records]
        return sorted(found, key=_moment)

    def count(self, name: str) -> int:
        return self._hits(name).count

    def _hits(self, name: str) -> Hits:
        return self._events.get(name) or Hits()

    def events_seen(self) -> Iterable[str]:
        return self._events.keys()

    def logs(self, stream: str) -> list[LogSeen]:
        """Every generation of this log that was read; "*" means all logs."""
        return [log for log in self.of(LogSeen) if stream in {log.stream, "*"}]

    def whole(self, stream: str) -> bool:
        """Whether the absence of a line in this log proves something."""
        seen = self.logs(stream)
        return bool(seen) and all(log.whole for log in seen)

    def date_all(self) -> Dated:
        """Settle the years of logs that name none; returns how, for records kept elsewhere."""
        logs: list[LogSeen] = list(self.of(LogSeen))
        records = (record.when for hits in self._events.values() for record in hits.records)
        ends = (time for log in logs for time in (log.begins, log.ends))
        dated = calendar([*records, *ends], now=self.now)
        for hits in self._events.values():
            hits.records = redated(hits.records, dated)
        if logs:
            self._facts[LogSeen] = [*relogged(logs, dated)]
        return dated

    def reference(self, record: Record) -> datetime | None:
        """What "recent" is measured from: the end of the record's own log, or now."""
        ends = [log.ends for log in self.logs(record.stream) if log.ends]
        return max(ends, default=self.now)


def _moment(record: Record) -> tuple[datetime, str, int]:
    return (record.when or datetime.min, record.span.artefact, record.span.first)  # noqa: DTZ901  sorts before every real time
