"""The file of what the last cycles were: small, bounded, whole at any moment, and losable.

Threads that take steps and threads that ship use one of these.
"""

import contextlib
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.machines.state_files import replace_file
from holdfast.replication.cycles import INTERRUPTED, Cycle, Outcome, pruned

NAME = "cycles.json"


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
        found = pruned(read_cycles(folder), clock.now())
        self._cycles = [_interrupted(cycle) for cycle in found]

    @property
    def cycles(self) -> tuple[Cycle, ...]:
        """The oldest first."""
        with self._lock:
            return tuple(self._cycles)

    def begin(self, due: datetime) -> None:
        """A cycle that is due runs now; the same one tried again stays one."""
        with self._lock:
            self._put(Cycle(due=due, begun=self._clock.now()))

    def miss(self, dues: Iterable[datetime], *, code: str = "") -> None:
        """Their time came and went, and nothing was begun."""
        now = self._clock.now()
        with self._lock:
            for due in dues:
                self._put(Cycle(due=due, ended=now, outcome=Outcome.MISSED, code=code), save=False)
            self._save()

    def fail(self, due: datetime, *, code: str) -> None:
        with self._lock:
            self._put(
                _at(self._cycles, due, ended=self._clock.now(), outcome=Outcome.FAILED, code=code)
            )

    def spooled(
        self, due: datetime, generation: str, *, dirty: Mapping[str, int], log_bytes: int
    ) -> None:
        """The step is made and its log lies in the spool."""
        with self._lock:
            self._put(
                _at(
                    self._cycles,
                    due,
                    ended=self._clock.now(),
                    outcome=Outcome.WAITING,
                    generation=generation,
                    dirty=dict(dirty),
                    log_bytes=log_bytes,
                    code="",
                )
            )

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
            for cycle in [each for each in self._cycles if each.generation == generation]:
                self._put(
                    msgspec.structs.replace(
                        cycle,
                        acked=self._clock.now(),
                        outcome=Outcome.SHIPPED,
                        shipped_bytes=wire_bytes,
                        seconds=seconds,
                    )
                )

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


def _at(cycles: Iterable[Cycle], due: datetime, **changes: object) -> Cycle:
    found = next((each for each in cycles if each.due == due), Cycle(due=due))
    return msgspec.structs.replace(found, **changes)
