"""A layout of a log: where a record begins and what its head says."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

# A record of more lines than this is taken for damage: bounded memory beats a complete excerpt.
LONGEST_RECORD = 60
# What a distinct head counts for: enough to be recognised, not enough to beat a log's own lines.
DISTINCT_SHARE = 0.25
Head = re.Match[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFormat:
    """All versions of one log's layout.

    Each of `heads` matches a record's first line from its start and may name the groups `when`,
    `level`, `who` and `text`. Lines that match none belong to the record above them.
    """

    stream: str
    heads: tuple[re.Pattern[str], ...]
    when: Callable[[Head], datetime | None]
    # Names of files that are this log although their content could be another's.
    files: tuple[str, ...] = ()
    # A layout that many products share yields to the product's own.
    is_common: bool = False
    # Heads that no other log has: one of them among stack traces is enough to know the log.
    is_distinct: bool = False

    def head(self, line: str) -> Head | None:
        for pattern in self.heads:
            if found := pattern.match(line):
                return found
        return None

    def share(self, lines: list[str]) -> float:
        """How much of a sample looks like this log, between 0 and 1."""
        spoken = [line for line in lines if line.strip()]
        if not spoken:
            return 0.0
        share = sum(self.head(line) is not None for line in spoken) / len(spoken)
        return max(share, DISTINCT_SHARE) if self.is_distinct and share else share


def group(head: Head, name: str) -> str:
    """What a head says, "" where its layout has no such part."""
    return head.groupdict().get(name) or ""


def iso_time(head: Head) -> datetime | None:
    """Read `when` in ISO 8601, also with slashes, a comma before the fraction or a space for T."""
    return parse_iso(group(head, "when"))


def parse_iso(text: str) -> datetime | None:
    tidy = text.strip().replace("/", "-").replace(",", ".")
    try:
        return _naive(datetime.fromisoformat(tidy))
    except ValueError:
        return None


def timed(*layouts: str) -> Callable[[Head], datetime | None]:
    """Read `when` by the first strptime layout that fits."""

    def when(head: Head) -> datetime | None:
        for layout in layouts:
            try:
                return _naive(datetime.strptime(group(head, "when").strip(), layout))  # noqa: DTZ007  logs seldom name their zone
            except ValueError:
                continue
        return None

    return when


def _naive(moment: datetime) -> datetime:
    """Times of one log compare with each other; those that name a zone become UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
