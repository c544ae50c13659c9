"""Leases for jobs that delete: asked for before they start, kept while they run, given back after.

The loop that starts jobs says which ones want a lease and sees whether it is there; the thread that
talks to the server asks for it. Without the server such jobs wait.
"""

import contextlib
import threading
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.agent.errors import ServerRefused
from holdfast.agent.link import Link
from holdfast.fleet.messages import LeaseReply, LeaseRequest

_SECONDS = 1800.0
_PROLONG_BEFORE = timedelta(minutes=15)


@dataclass(slots=True)
class _Wanted:
    kind: str
    lease: LeaseReply | None = None
    # Why the server will not give it now.
    refusal: str | None = None
    # Also one that an agent before this one began, under a lease only the server remembers.
    is_running: bool = False


class Leases:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[str, _Wanted] = {}
        self._unneeded: list[str] = []

    def want(self, job_id: str, kind: str) -> None:
        with self._lock:
            self._wanted.setdefault(job_id, _Wanted(kind))

    def keep_for_running(self, job_id: str, kind: str) -> None:
        """What works under a lease has it prolonged, whoever asked for it first."""
        with self._lock:
            self._wanted.setdefault(job_id, _Wanted(kind)).is_running = True

    def is_held(self, job_id: str, now: datetime) -> bool:
        with self._lock:
            wanted = self._wanted.get(job_id)
            return bool(wanted and wanted.lease and wanted.lease.expires_at > now)

    def refusal(self, job_id: str) -> str | None:
        with self._lock:
            wanted = self._wanted.get(job_id)
            return None if wanted is None else wanted.refusal

    def keep_only(self, job_ids: Container[str]) -> None:
        """All others are over, or wait for another time."""
        with self._lock:
            for job_id in [one for one in self._wanted if one not in job_ids]:
                lease = self._wanted.pop(job_id).lease
                if lease is not None:
                    self._unneeded.append(lease.id)

    @property
    def is_busy(self) -> bool:
        """Whether there is something to say to the server about leases now."""
        with self._lock:
            waiting = any(one.lease is None for one in self._wanted.values())
            return waiting or bool(self._unneeded)

    def tend(self, link: Link, now: datetime) -> None:
        """Give back what nobody needs, ask for what is wanted, prolong what is held."""
        self._give_back(link)
        with self._lock:
            all_wanted = list(self._wanted.values())
        for wanted in all_wanted:
            lease = wanted.lease
            if lease is None or lease.expires_at - now < _PROLONG_BEFORE:
                self._ask(link, wanted)

    def _ask(self, link: Link, wanted: _Wanted) -> None:
        # Asked again for the same kind, the server prolongs the lease it gave.
        asked = LeaseRequest(
            kind=wanted.kind, seconds=_SECONDS, has_no_other=self._has_no_other(wanted)
        )
        try:
            wanted.lease = link.ask("POST", "/leases", LeaseReply, body=asked)
            wanted.refusal = None
        except ServerRefused as err:
            wanted.refusal = str(err.fields["reason"])

    def _has_no_other(self, wanted: _Wanted) -> bool:
        with self._lock:
            others = [one for one in self._wanted.values() if one is not wanted]
            return not any(one.is_running or one.lease for one in others)

    def _give_back(self, link: Link) -> None:
        with self._lock:
            unneeded = list(self._unneeded)
            still = {one.lease.id for one in self._wanted.values() if one.lease}
        for lease_id in unneeded:
            if lease_id not in still:
                # Refused means that it is over already.
                with contextlib.suppress(ServerRefused):
                    link.tell("DELETE", f"/leases/{lease_id}")
            with self._lock:
                self._unneeded.remove(lease_id)
