"""Whose turn it is: several machines' logs over one connection, a piece of each at a time.

The machines of the greatest priority take turns; one turn in eight goes to the others, so that
none of them waits for ever. Logs of one machine go one after the other.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

_FOR_OTHERS = 8


class Turn(Protocol):
    @property
    def vm(self) -> str: ...

    @property
    def priority(self) -> int:
        """Greater goes first."""


_T = TypeVar("_T", bound=Turn)


class FairTurns(Generic[_T]):
    """For one thread."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[_T]] = {}
        self._last: dict[str, int] = {}
        self._turns = 0

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, item: _T) -> None:
        line = self._lines.setdefault(item.vm, deque())
        if not line:
            # Next but for who waits longest: it gains nothing by coming again and again.
            self._last[item.vm] = min(self._last.values(), default=self._turns)
        line.append(item)

    def remove(self, item: _T) -> None:
        line = self._lines.get(item.vm)
        if line is None or item not in line:
            return
        line.remove(item)
        if not line:
            del self._lines[item.vm], self._last[item.vm]

    def take(self) -> _T | None:
        """Whoever sends a piece now; it stays in line until it is removed."""
        if not self._lines:
            return None
        self._turns += 1
        vm = min(self._candidates(), key=self._last.__getitem__)
        self._last[vm] = self._turns
        return self._lines[vm][0]

    def find(self, wanted: Callable[[_T], bool]) -> _T | None:
        return next((item for line in self._lines.values() for item in line if wanted(item)), None)

    def _candidates(self) -> list[str]:
        greatest = max(line[0].priority for line in self._lines.values())
        first = [vm for vm, line in self._lines.items() if line[0].priority == greatest]
        others = [vm for vm, line in self._lines.items() if line[0].priority < greatest]
        return others if others and self._turns % _FOR_OTHERS == 0 else first
