"""The file of what the last cycles were: small, bounded, whole at any moment, and losable.

Threads that take steps and threads that ship use one of these.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.machines.state_files import replace_file
from holdfast.replication.cycles import INTERRUPTED, Cycle, Outcome, pruned

NAME = "cycles.json"
_MOST_EARLY = 8


def read_cycles(folder: Path) -> tuple[Cycle, ...]:
    """None where the file is gone or is not ours to read: it is a judgement's base, not data."""
    with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode((folder / NAME).read_bytes(), type=tuple[Cycle, ...])
    return ()


class CycleRecord:
    """Of one replication; what a former process left running is called interrupted."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        # So many since it was opened.
        self._successes = 0
        found = pruned(read_cycles(folder), clock.now())
        self._cycles = [_interrupted(cycle) for cycle in found]
        # By when somebody calls a cycle due, when it was due first: it had to wait.
        self._waited: dict[datetime, datetime] = {}
        # Acknowledged before who made them said so: who ships is quick.
        self._early: deque[tuple[str, int, float]] = deque(maxlen=_MOST_EARLY)

    @property
    def cycles(self) -> tuple[Cycle, ...]:
        """The oldest first."""
        with self._lock:
            return tuple(self._cycles)

    @property
    def successes(self) -> int:
        """How many have come through here, whatever the clock said of when."""
        with self._lock:
            return self._successes

    def begin(self, due: datetime) -> None:
        """A cycle that is due runs now; the same one tried again stays one.

        One machine has one at a time: what had to wait is what runs now, and what merely began
        and was no cycle is none.
        """
        with self._lock:
            running = [each for each in self._cycles if each.outcome is Outcome.RUNNING]
            waited = next((each for each in running if each.delayed), None)
            self._cycles = [each for each in self._cycles if each not in running]
            self._waited = {due: waited.due} if waited else {}
            fresh = Cycle(due=waited.due if waited else due, begun=self._clock.now())
            delayed = waited.delayed if waited else ""
            self._put(msgspec.structs.replace(fresh, delayed=delayed))

    def delay(self, due: datetime, *, code: str) -> None:
        """It cannot run now, and will in a moment."""
        with self._lock:
            self._change(due, delayed=code)

    def miss(self, dues: Iterable[datetime], *, code: str = "") -> None:
        """Their time came and went, and nothing was begun."""
        now = self._clock.now()
        with self._lock:
            for due in dues:
                self._put(Cycle(due=due, ended=now, outcome=Outcome.MISSED, code=code), save=False)
            self._save()

    def fail(self, due: datetime, *, code: str) -> None:
        with self._lock:
            self._change(due, ended=self._clock.now(), outcome=Outcome.FAILED, code=code)

    def spooled(
        self, due: datetime, generation: str, *, dirty: Mapping[str, int], log_bytes: int
    ) -> None:
        """The step is made and its log lies in the spool."""
        with self._lock:
            self._change(
                due,
                ended=self._clock.now(),
                outcome=Outcome.WAITING,
                generation=generation,
                dirty=dict(dirty),
                log_bytes=log_bytes,
                code="",
            )
            for early, wire_bytes, seconds in list(self._early):
                if early == generation:
                    self._acked(generation, wire_bytes, seconds)

    def merged(self, generations: Iterable[str]) -> None:
        """Their logs were merged into a later one's."""
        gone = frozenset(generations)
        with self._lock:
            for cycle in [each for each in self._cycles if each.generation in gone]:
                self._put(msgspec.structs.replace(cycle, outcome=Outcome.MERGED), save=False)
            self._save()

    def shipped(self, generation: str, *, wire_bytes: int, seconds: float) -> None:
        """The other site has it; what is not in the record any more is not entered again."""
        with self._lock:
            if not self._acked(generation, wire_bytes, seconds):
                self._early.append((generation, wire_bytes, seconds))

    def _acked(self, generation: str, wire_bytes: int, seconds: float) -> bool:
        found = [each for each in self._cycles if each.generation == generation]
        for cycle in found:
            changed = msgspec.structs.replace(
                cycle,
                acked=self._clock.now(),
                outcome=Outcome.SHIPPED,
                shipped_bytes=wire_bytes,
                seconds=seconds,
            )
            self._put(changed)
        self._successes += len(found)
        return bool(found)

    def _change(self, due: datetime, **changes: object) -> None:
        due = self._waited.get(due, due)
        found = next((each for each in self._cycles if each.due == due), Cycle(due=due))
        self._put(msgspec.structs.replace(found, **changes))

    def _put(self, cycle: Cycle, *, save: bool = True) -> None:
        others = [each for each in self._cycles if each.due != cycle.due]
        self._cycles = sorted([*others, cycle], key=lambda each: each.due)
        if save:
            self._save()

    def _save(self) -> None:
        """Without it the next judgement knows less; no cycle is to fail for it."""
        self._cycles = list(pruned(self._cycles, self._clock.now()))
        with contextlib.suppress(OSError, HoldfastError):
            replace_file(self._folder / NAME, msgspec.json.encode(self._cycles))


def _interrupted(cycle: Cycle) -> Cycle:
    if cycle.outcome is not Outcome.RUNNING:
        return cycle
    return msgspec.structs.replace(cycle, outcome=Outcome.FAILED, code=INTERRUPTED)
