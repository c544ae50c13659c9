"""Commands of the server: each into the journal, once, before the server is told that we have it."""

import contextlib
import queue
from collections.abc import Callable, Iterator
from datetime import timedelta

from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.journal import Journal
from holdfast.agent.scheduling import accept, command_jobs
from holdfast.agent.sources import Protected, nothing_protected
from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.fleet.arguments import read_arguments
from holdfast.fleet.job_errors import TypedKeyGone
from holdfast.fleet.jobs import Kind
from holdfast.fleet.messages import Command

_CANCEL = "cancel"
_TRIES = 10


def _no_keys(_job_id: str, _ticket: str) -> None:
    """Nobody types passphrases for this machine."""


class Orders:
    """`take` is for the thread that listens, `cancels` for the one that runs the jobs."""

    def __init__(  # noqa: PLR0913  what it works with
        self,
        journal: Journal,
        assigned: AssignedPolicies,
        *,
        clock: Clock,
        on_news: Callable[[], None],
        warn: Callable[[str], None],
        protected: Protected = nothing_protected,
        fetch_key: Callable[[str, str], None] = _no_keys,
    ) -> None:
        self._journal = journal
        self._assigned = assigned
        self._clock = clock
        self._on_news = on_news
        self._warn = warn
        self._protected = protected
        self._fetch_key = fetch_key
        self._cancels: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._tries: dict[int, int] = {}

    def take(
        self, command: Command, *, clock_offset: timedelta, ask_anew: Callable[[], None]
    ) -> bool:
        """Whether the command is taken, on disk and for good."""
        if command.kind == _CANCEL:
            self.cancel(command.job_id)
            return True
        expires = command.expires_at
        if expires is not None and expires <= self._clock.now() + clock_offset:
            return False
        try:
            return self._accept(command, ask_anew)
        except (ValueError, HoldfastError) as err:
            warning = _("a command of the server was not understood: {reason}")
            self._warn(warning.format(reason=err))
            return True

    def cancel(self, job_id: str) -> None:
        self._cancels.put(job_id)
        self._on_news()

    def cancels(self) -> Iterator[str]:
        """The jobs that somebody wants to end."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._cancels.get_nowait()

    def _accept(self, command: Command, ask_anew: Callable[[], None]) -> bool:
        kind = Kind(command.kind)
        arguments = read_arguments(kind, command.arguments)
        wanted = arguments.get("assignment")
        assigned = self._assigned.find(wanted)
        if wanted and assigned is None and self._may_come(command):
            ask_anew()
            return False
        if not self._has_key(command, arguments.get("ticket")):
            return False
        now = self._clock.now()
        # The one that was ordered last: as soon as it is known the command counts as taken.
        found = command_jobs(
            kind,
            command.job_id,
            arguments,
            assigned=assigned,
            protected=self._protected,
            now=now,
        )
        for job in reversed(found):
            accept(self._journal, job, now)
        self._on_news()
        return True

    def _has_key(self, command: Command, ticket: str | None) -> bool:
        """Fetched here, because this thread may wait for the network."""
        if ticket is None:
            return True
        try:
            self._fetch_key(command.job_id, ticket)
        except TypedKeyGone:
            # The job says so itself, when it is to begin.
            return True
        except HoldfastError:
            return False
        return True

    def _may_come(self, command: Command) -> bool:
        """A command can be quicker than the assignment it is about; some tries, and it is gone."""
        self._tries[command.number] = self._tries.get(command.number, 0) + 1
        return self._tries[command.number] <= _TRIES
