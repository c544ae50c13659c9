"""What the agent says to its server: that it lives, how its jobs are, what points there are.

One thread does all of it, one thing after the other, so that reports arrive in their order. While
the server is away it tries again ever more seldom; nothing is forgotten meanwhile.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from holdfast.agent.assigned import AssignedPolicies
from holdfast.agent.errors import CertificateNotAccepted, ServerRefused
from holdfast.agent.jobs import Facts, report_of
from holdfast.agent.journal import Journal
from holdfast.agent.leases import Leases
from holdfast.agent.link import Link
from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.fleet.messages import (
    Assignments,
    Heartbeat,
    HeartbeatReply,
    JobReportReply,
    PointsTold,
    VmsTold,
)

_JITTER = 0.2
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
# Nobody hears us: often enough to notice that it was an error.
_REVOKED_WAIT = 300.0
_UNCHANGED = 304
_NOT_FOUND = 404
_MOST_ROUNDS = 20
# The fact of the journal that says when the server was last heard.
HEARD = "heard"
_NOTE_EVERY = 600.0


class Connection(StrEnum):
    """How the agent stands with its server."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    AWAY = "away"  # no answer: schedules go on, results wait
    REFUSED = "refused"  # the certificate is not accepted: schedules go on, and somebody must act


def _no_vms() -> VmsTold | None:
    """This host has none."""
    return None


def _no_roles() -> str:
    """This host has no part in replication."""
    return ""


def _no_matter(_etag: str) -> None:
    """Nobody here has a part in replication."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the talker is told by the rest of the agent."""

    name: str
    version: str
    facts: Callable[[], Facts]
    running: Callable[[], list[str]]
    # The points as they are now; None: they cannot be read at the moment.
    points: Callable[[], PointsTold | None]
    cancel: Callable[[str], None]
    renew: Callable[[], None]
    warn: Callable[[str], None]
    # The host's virtual machines as they were seen last; None: there is nothing to say of them.
    vms: Callable[[], VmsTold | None] = _no_vms
    # Of the roles in replication it works by, and to be told of those the server has for it.
    replication_etag: Callable[[], str] = _no_roles
    on_replication: Callable[[str], None] = _no_matter


class Talker:
    """`step` says all there is to say; `run` does so again and again."""

    def __init__(
        self,
        link: Link,
        journal: Journal,
        assigned: AssignedPolicies,
        leases: Leases,
        telling: Telling,
        *,
        clock: Clock,
    ) -> None:
        self._link = link
        self._journal = journal
        self._assigned = assigned
        self._leases = leases
        self._telling = telling
        self._clock = clock
        self._wake = threading.Event()
        self._next_beat = float("-inf")
        self._next_note = float("-inf")
        self._failures = 0
        self._points_untold = True
        self._vms_told: VmsTold | None = None
        self.connection = Connection.UNKNOWN
        self.trouble: str | None = None
        # Since when it is so, and when the server was heard last.
        self.since = clock.now()
        self.heard_at: datetime | None = None
        # How far the server's clock is ahead of ours.
        self.clock_offset = timedelta(0)

    def wake(self) -> None:
        """There is something new to say."""
        self._wake.set()

    def ask_anew(self) -> None:
        """What the server last told us may be old."""
        self._next_beat = float("-inf")
        self._wake.set()

    def doubt(self) -> None:
        """The server did not answer somebody else: see for ourselves, and not in a minute only."""
        if self.connection is Connection.ONLINE:
            self.ask_anew()

    def points_changed(self) -> None:
        self._points_untold = True
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            wait = self.step()
            self._wake.wait(wait)
            self._wake.clear()

    def step(self) -> float:
        """Say what there is to say; how long to wait until the next time, in seconds."""
        try:
            self._say_all()
        except CertificateNotAccepted as err:
            self._failed(Connection.REFUSED, err)
            return _REVOKED_WAIT
        except HoldfastError as err:
            self._failed(Connection.AWAY, err)
            longest = min(_FIRST_WAIT * 2.0 ** min(self._failures, 10), _LONGEST_WAIT)
            return longest * random.uniform(0.5, 1)  # noqa: S311  no secret
        self._failures = 0
        self._became(Connection.ONLINE, None)
        return 1.0 if self._leases.is_busy else max(self._next_beat - self._clock.monotonic(), 0.5)

    def _say_all(self) -> None:
        if self._failures or self._clock.monotonic() >= self._next_beat:
            self._beat()
        self._leases.tend(self._link, self._clock.now())
        self._deliver()
        self._tell_points()
        self._tell_vms()

    def _beat(self) -> None:
        now = self._clock.now()
        beat = Heartbeat(
            at=now,
            name=self._telling.name,
            agent_version=self._telling.version,
            facts=self._telling.facts(),
            running=self._telling.running(),
            assignments_etag=self._assigned.etag,
            replication_etag=self._telling.replication_etag(),
        )
        reply = self._link.ask("POST", "/heartbeat", HeartbeatReply, body=beat)
        self.clock_offset = reply.at - now
        self.heard_at = now
        self._note_heard()
        spread = 1 + random.uniform(-_JITTER, _JITTER)  # noqa: S311  no secret
        self._next_beat = self._clock.monotonic() + reply.next_seconds * spread
        if reply.assignments_etag != self._assigned.etag:
            self._fetch_assignments()
        self._telling.on_replication(reply.replication_etag)
        if reply.renew_certificate:
            self._telling.renew()

    def _note_heard(self) -> None:
        """For whoever asks later how long the server is away; seldom, because it is a write."""
        moment = self._clock.monotonic()
        if moment >= self._next_note:
            self._next_note = moment + _NOTE_EVERY
            self._journal.remember(HEARD, self._clock.now().isoformat())

    def _fetch_assignments(self) -> None:
        headers = {"If-None-Match": f'"{self._assigned.etag}"'} if self._assigned.etag else {}
        answer = self._link.request("GET", "/assignments", headers=headers)
        if answer.status != _UNCHANGED:
            self._assigned.replace(msgspec.json.decode(answer.body, type=Assignments))

    def _deliver(self) -> None:
        for job_id in self._journal.undelivered():
            # A job that says more than we can tell at once must not hold up the others for ever.
            for _round in range(_MOST_ROUNDS):
                if not self._report(job_id):
                    break

    def _report(self, job_id: str) -> bool:
        """Tell the newest state; whether there is more to say about this job."""
        told = self._journal.unsaid(job_id)
        if told is None:
            return False
        report = report_of(told.job, told.lines)
        try:
            reply = self._link.ask("PUT", f"/jobs/{job_id}", JobReportReply, body=report)
        except ServerRefused as err:
            # It will not be taken in ever: what comes after it must not wait for that.
            self._telling.warn(str(err))
            return self._journal.delivered(told)
        if reply.cancel:
            self._telling.cancel(job_id)
        if reply.number != told.job.number:
            # Lower: the server has lost what it had. Higher: we have.
            self._journal.say_again(job_id, above=reply.number)
            return True
        return self._journal.delivered(told)

    def _tell_points(self) -> None:
        if not self._points_untold:
            return
        self._points_untold = False
        try:
            points = self._telling.points()
            if points is not None:
                self._link.tell("PUT", "/points", body=points)
        except ServerRefused as err:
            self._telling.warn(str(err))
        except HoldfastError:
            self._points_untold = True
            raise

    def _tell_vms(self) -> None:
        vms = self._telling.vms()
        if vms == self._vms_told:
            return
        try:
            self._link.tell("PUT", "/vms", body=vms)
        except ServerRefused as err:
            # A server of the version before does not ask for them.
            if err.fields["status"] != _NOT_FOUND:
                self._telling.warn(str(err))
        self._vms_told = vms

    def _failed(self, connection: Connection, err: HoldfastError) -> None:
        self._failures += 1
        self._became(connection, err)

    def _became(self, connection: Connection, err: HoldfastError | None) -> None:
        """Say it once when things change, not at every try."""
        if connection is not self.connection and err is not None:
            self._telling.warn(f"{err} {err.advice}")
        if connection is not self.connection:
            self.since = self._clock.now()
        self.connection = connection
        self.trouble = None if err is None else str(err)
