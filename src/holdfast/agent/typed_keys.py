"""Passphrases that people typed for a job or a look: fetched once, kept in memory, and forgotten.

An agent that is started anew has none of them: whoever wants the job then types it again.
"""

import threading
from collections.abc import Container

from holdfast.agent.errors import ServerRefused
from holdfast.agent.link import Link
from holdfast.base.clock import Clock
from holdfast.base.secret import Secret
from holdfast.fleet.job_errors import TypedKeyGone
from holdfast.fleet.questions import KeyReply

# From the fetching to the moment when the journal knows the job.
_GRACE = 60.0


class TypedKeys:
    """To be used from any thread."""

    def __init__(self, link: Link, *, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[Secret, float]] = {}

    def fetch(self, ticket: str) -> Secret:
        """From the server, which forgets it for this ticket thereby."""
        try:
            reply = self._link.ask("POST", f"/keys/{ticket}", KeyReply)
        except ServerRefused as err:
            raise TypedKeyGone from err
        return Secret(reply.passphrase.encode())

    def fetch_for(self, job_id: str, ticket: str) -> None:
        """Of a command that comes a second time it is here already."""
        with self._lock:
            if job_id in self._held:
                return
        passphrase = self.fetch(ticket)
        with self._lock:
            self._held[job_id] = (passphrase, self._clock.monotonic())

    def of(self, job_id: str) -> Secret:
        with self._lock:
            found = self._held.get(job_id)
        if found is None:
            raise TypedKeyGone
        return found[0]

    def keep_only(self, jobs: Container[str]) -> None:
        """Those of jobs that are not over."""
        latest = self._clock.monotonic() - _GRACE
        with self._lock:
            self._held = {
                job_id: kept
                for job_id, kept in self._held.items()
                if job_id in jobs or kept[1] > latest
            }
