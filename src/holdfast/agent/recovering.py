"""What the agent tells its server of the recoveries on this host, whenever it is other than before."""

from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.agent.link import Link
from holdfast.app.drill_runs_told import Marks, marks_of_runs, runs_to_tell
from holdfast.app.recovery_told import recovery_here, was_any
from holdfast.base.clock import Clock
from holdfast.fleet.recovery_messages import DrillRunsKnown

if TYPE_CHECKING:
    from holdfast.fleet.recovery_messages import RecoveryTold

# What says nothing new is told again after so long, so that it is known to be alive.
_TELL_AGAIN = 300.0


class Recovering:
    """To be used from one thread."""

    def __init__(self, home: str, link: Link, *, clock: Clock) -> None:
        self._home = home
        self._link = link
        self._clock = clock
        self._told: RecoveryTold | None = None
        self._at = float("-inf")
        # Of the runs of drills that the server has.
        self._runs = Marks(())

    def tell(self) -> None:
        """A host that has never had to do with any says nothing."""
        if not was_any(self._home):
            return
        now, moment = self._clock.now(), self._clock.monotonic()
        seen = recovery_here(self._home, now)
        is_news = self._told is None or replace(seen, at=self._told.at) != self._told
        if is_news or moment - self._at >= _TELL_AGAIN:
            self._link.tell("PUT", "/recovery", body=seen)
            self._told, self._at = seen, moment
        self._tell_runs()

    def _tell_runs(self) -> None:
        """Each that the server does not have as it is; what does not come through comes the next time."""
        marks = marks_of_runs(self._home)
        if marks == self._runs:
            return
        known = self._link.ask("GET", "/drill-runs", DrillRunsKnown).known
        for told in runs_to_tell(self._home, known):
            self._link.tell("PUT", "/drill-runs", body=told)
        self._runs = marks
