"""Machines taken at one instant: all are held still, all begin, all go on.

Those of a group have the same grid, so their loops come here together; who comes first waits a
moment for the others. One that does not come, or fails, keeps no other from its point.
"""

import contextlib
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

from holdfast.base.errors import HoldfastError
from holdfast.replication.generations import Move, next_move
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.source_advance import (
    Did,
    Done,
    advance_held,
    lost_by,
    plan_step,
)
from holdfast.replication.source_cycle import LiveStep, ready_step
from holdfast.replication.source_errors import WalkBroken
from holdfast.replication.source_job import Held, SourceJob, held
from holdfast.replication.source_making import RecordLost

# Longer than loops are apart that look twice a second.
_PATIENCE_SECONDS = 3.0
Result = Done | Exception


class Member(Protocol):
    @property
    def uuid(self) -> str: ...

    @property
    def settings(self) -> ReplicationSettings: ...

    def is_expected(self) -> bool:
        """Whether it will come when a cycle is due."""


@dataclass(slots=True)
class _Meeting:
    jobs: dict[str, SourceJob] = field(default_factory=dict)
    is_closed: bool = False
    results: dict[str, Result] | None = None


class Groups:
    """Of all machines of a host; its loops come here from threads of their own."""

    def __init__(self, *, patience: float = _PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._members: dict[str, Member] = {}
        self._meetings: dict[str, _Meeting] = {}
        self._changed = threading.Condition()

    def join(self, member: Member) -> None:
        with self._changed:
            self._members[member.uuid] = member

    def leave(self, member: Member) -> None:
        with self._changed:
            self._members.pop(member.uuid, None)
            self._changed.notify_all()

    def advance(self, member: Member, job: SourceJob) -> Done:
        """Its step, at the instant of the others'."""
        group = member.settings.group
        with self._changed:
            meeting = self._meetings.get(group)
            is_first = meeting is None or meeting.is_closed
            if meeting is None or is_first:
                meeting = self._meetings[group] = _Meeting()
            meeting.jobs[job.uuid] = job
            self._changed.notify_all()
        if is_first:
            self._lead(group, meeting)
        return self._result(meeting, job.uuid)

    def _lead(self, group: str, meeting: _Meeting) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._expected(group) <= meeting.jobs.keys(), self._patience
            )
            meeting.is_closed = True
            jobs = dict(meeting.jobs)
        results: dict[str, Result] = {}
        try:
            results = take_together(jobs)
        except BaseException as err:
            # Whoever waits must not wait for ever.
            failure = err if isinstance(err, Exception) else HoldfastInterrupted()
            results = dict.fromkeys(jobs, failure)
            raise
        finally:
            with self._changed:
                meeting.results = results
                self._changed.notify_all()

    def _expected(self, group: str) -> set[str]:
        return {
            uuid
            for uuid, member in self._members.items()
            if member.settings.group == group and member.is_expected()
        }

    def _result(self, meeting: _Meeting, uuid: str) -> Done:
        with self._changed:
            self._changed.wait_for(lambda: meeting.results is not None)
            assert meeting.results is not None
            found = meeting.results[uuid]
        if isinstance(found, Exception):
            raise found
        return found


class HoldfastInterrupted(Exception):
    """Who led the group was told to stop."""


@dataclass(slots=True)
class _Taken:
    """One machine of the group; `own` undoes what was begun on it, and only on it."""

    job: SourceJob
    own: contextlib.ExitStack
    found: Held | None = None
    ready: LiveStep | None = None
    result: Result | None = None

    def guarded(self, work: Callable[[], None]) -> None:
        """What fails ends this one; what it had begun is undone with the error."""
        if self.result is not None:
            return
        try:
            work()
        except Exception as err:
            self.fail(err)

    def fail(self, err: Exception) -> None:
        try:
            with self.own:
                raise err
        except (RecordLost, WalkBroken) as lost:
            self.result = lost_by(self.job, lost)
        except Exception as seen:
            self.result = seen


def take_together(jobs: Mapping[str, SourceJob]) -> dict[str, Result]:
    """One instant for all that run, in an order that is always the same."""
    group = f"group-{secrets.token_hex(8)}" if len(jobs) > 1 else ""
    taken = [
        _Taken(job=replace(jobs[uuid], group=group), own=contextlib.ExitStack())
        for uuid in sorted(jobs)
    ]
    try:
        for each in taken:
            each.guarded(lambda each=each: _prepare(each))  # type: ignore[misc]  # bound now
        _begin([each for each in taken if each.ready is not None and each.result is None])
        with ThreadPoolExecutor(max(1, len(taken)), thread_name_prefix="group") as pool:
            list(pool.map(lambda each: each.guarded(lambda: _finish(each)), taken))
    finally:
        for each in taken:
            each.own.close()
    return {each.job.uuid: each.result for each in taken if each.result is not None}


def _prepare(taken: _Taken) -> None:
    found = taken.found = taken.own.enter_context(held(taken.job))
    if next_move(found.sent, found.walk, waits=bool(found.waiting)) is not Move.STEP:
        return
    planned = plan_step(taken.job, found)
    if isinstance(planned, Done):
        taken.result = planned
    elif planned.is_live:
        taken.ready = taken.own.enter_context(ready_step(taken.job, found, planned))


def _begin(taken: list[_Taken]) -> None:
    """All still, then all begun, then all let go."""
    with contextlib.ExitStack() as still:
        for each in taken:
            assert each.ready is not None
            still.enter_context(each.ready.still.held())
        for each in taken:
            assert each.ready is not None
            each.guarded(each.ready.begin)


def _finish(taken: _Taken) -> None:
    assert taken.found is not None
    if taken.ready is None:
        # Off, or something else comes first: nothing of it changes meanwhile.
        taken.result = advance_held(taken.job, taken.found, may_walk=False)
    else:
        taken.result = Done(did=Did.STEP, step=taken.ready.finish())
    taken.own.close()


def failed(results: Mapping[str, Result]) -> list[HoldfastError]:
    return [each for each in results.values() if isinstance(each, HoldfastError)]
