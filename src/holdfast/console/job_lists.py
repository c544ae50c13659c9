"""Which jobs a list holds, as its address says it: whatever leads there writes it the same way."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from holdfast.catalog.jobs import JobFilter
from holdfast.console.job_words import kind_text, state_text

DAY = 24
WEEK = 7 * DAY
# As far back as it goes.
EVER = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsAsked:
    """States, kinds, machine and vault as the API knows them; nothing: whichever."""

    states: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    machine: str = ""
    vault: str = ""
    hours: int = WEEK
    # The hours are those in which it came to its end, as reports count; else it was asked for then.
    is_over: bool = False

    @property
    def href(self) -> str:
        said = list(self._said())
        return f"/jobs?{urlencode(said)}" if said else "/jobs"

    @property
    def words(self) -> str:
        """The states and kinds, as people call them."""
        return ", ".join((*map(kind_text, self.kinds), *map(state_text, self.states)))

    def filter(self, now: datetime) -> JobFilter:
        # Before the newest are taken: those that are wanted may be far behind them.
        since = now - timedelta(hours=self.hours) if self.hours else None
        return JobFilter(
            vault_id=self.vault or None,
            machine_id=self.machine or None,
            kinds=self.kinds,
            states=self.states,
            since=None if self.is_over else since,
            ended_since=since if self.is_over else None,
        )

    def _said(self) -> Iterator[tuple[str, str]]:
        yield from (("state", one) for one in self.states)
        yield from (("kind", one) for one in self.kinds)
        given = {"machine": self.machine, "vault": self.vault}
        yield from ((name, value) for name, value in given.items() if value)
        if self.hours != WEEK:
            yield "hours", str(self.hours)
        if self.is_over:
            yield "over", "true"
