"""Look at machines every 15 seconds, and keep what they write, until somebody says that it is enough."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.block_statistics import MachineCounters, machine_counters
from holdfast.hypervisor.connection import Host
from holdfast.replication.planner.counting import MinuteCounter, Poll
from holdfast.replication.planner.dirty_windows import DirtyWindows
from holdfast.replication.planner.profile_folder import ProfileFolder

POLL_SECONDS = 15.0
# How soon Ctrl-C is heard.
_NAP_SECONDS = 0.2


class Watched:
    """One machine of a profile."""

    def __init__(self, name: str, folder: ProfileFolder, windows: DirtyWindows) -> None:
        self.name = name
        self.windows = windows
        self._folder = folder
        self._counter = MinuteCounter()

    @property
    def written(self) -> int:
        return sum(self._counter.written.values())

    def take(self, seen: MachineCounters, clock: Clock) -> None:
        if seen.disks is None:
            # Busy; the next poll says what was written meanwhile.
            return
        poll = Poll(
            at=clock.now().timestamp(),
            monotonic=clock.monotonic(),
            run=seen.run,
            disks=seen.disks,
        )
        minutes = self._counter.feed(poll)
        windows = self.windows.look(run=seen.run, written=self._counter.written)
        self._folder.append(self.name, [*minutes, *windows])

    def close(self) -> bool:
        """What was seen of the minute that has begun is kept too; whether no checkpoint is left."""
        try:
            self._folder.append(self.name, [*self._counter.close()])
        finally:
            is_clean = self.windows.close()
        return is_clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How far a profile is."""

    seconds: float
    machines: int
    # By the guests, since the profile began.
    written: int
    # Machines without windows, by the code of the error; machines that are gone have `gone`.
    troubles: Mapping[str, str]
    # Why the last round was not whole: the host did not answer, or nothing could be written.
    error: HoldfastError | None = None
    # When it is over: machines in which a checkpoint is left until the next profile.
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiling:
    host: Host
    clock: Clock
    is_over: Callable[[], bool]
    # None: until it is over.
    seconds: float | None
    on_seen: Callable[[Seen], None]
    # Makes a machine that has come since watched as well, or None.
    on_new: Callable[[MachineCounters], Watched | None] = lambda _: None


def profile(work: Profiling, watched: dict[str, Watched]) -> Seen:
    """By UUID. However it ends, what was seen is kept and no checkpoint stays if that can be."""
    began = work.clock.monotonic()
    try:
        while True:
            seen = _round(work, watched, began)
            work.on_seen(seen)
            if not _rest(work, began):
                break
        # What was written since the last poll.
        seen = _round(work, watched, began)
    finally:
        left, error = _close(watched)
    return replace(seen, left=left, error=error or seen.error)


def _round(work: Profiling, watched: dict[str, Watched], began: float) -> Seen:
    gone, error = frozenset[str](), None
    try:
        found = {one.uuid: one for one in machine_counters(work.host)}
        _watch_new(work, watched, found)
        gone = frozenset(watched.keys() - found.keys())
        error = _take(watched, found, work.clock)
    except HoldfastError as err:
        # Its daemon is restarted, or the host does not answer: a gap, and not the end.
        error = err
    return _seen(watched, work.clock.monotonic() - began, gone, error)


def _watch_new(
    work: Profiling, watched: dict[str, Watched], found: Mapping[str, MachineCounters]
) -> None:
    for uuid, seen in found.items():
        if uuid not in watched:
            new = work.on_new(seen)
            if new is not None:
                watched[uuid] = new


def _take(
    watched: Mapping[str, Watched], found: Mapping[str, MachineCounters], clock: Clock
) -> HoldfastError | None:
    """One that cannot be kept hinders none of the others."""
    error = None
    for uuid, one in watched.items():
        try:
            if uuid in found:
                one.take(found[uuid], clock)
        except HoldfastError as err:
            error = err
    return error


def _rest(work: Profiling, began: float) -> bool:
    """Until the next poll; False when there is none."""
    clock = work.clock
    passed = clock.monotonic() - began
    # On a beat of their own, however long a poll has taken.
    until = began + (passed // POLL_SECONDS + 1) * POLL_SECONDS
    end = None if work.seconds is None else began + work.seconds
    while (now := clock.monotonic()) < until:
        if work.is_over() or (end is not None and now >= end):
            return False
        clock.sleep(min(_NAP_SECONDS, until - now))
    return not work.is_over() and (end is None or clock.monotonic() < end)


def _seen(
    watched: Mapping[str, Watched],
    seconds: float,
    gone: frozenset[str],
    error: HoldfastError | None,
) -> Seen:
    troubles = {one.name: one.windows.trouble for one in watched.values() if one.windows.trouble}
    troubles |= {watched[uuid].name: "gone" for uuid in gone}
    return Seen(
        seconds=seconds,
        machines=len(watched),
        written=sum(one.written for one in watched.values()),
        troubles=troubles,
        error=error,
    )


def _close(watched: Mapping[str, Watched]) -> tuple[tuple[str, ...], HoldfastError | None]:
    left, error = [], None
    for one in watched.values():
        try:
            if not one.close():
                left.append(one.name)
        except HoldfastError as err:
            error = err
    return tuple(left), error
