"""Storages that fail as planned, and one that remembers every write for a crash at any moment."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TypeVar

from holdfast.base.clock import Clock
from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Content, Entry, Storage

_T = TypeVar("_T")


class _When(Enum):
    BEFORE = "before"
    AFTER = "after"
    TORN = "torn"


@dataclass(slots=True, kw_only=True)
class _Fault:
    method: str
    name: str | None
    act: Callable[[], None]
    when: _When = _When.BEFORE
    torn_at: int = 0

    def __str__(self) -> str:
        return f"{self.method} {self.name or '*'} {self.when.value}"


class FaultyStorage(ForwardingStorage):
    """Passes calls on, except where a fault was planned; every fault fires once, in order.

    `name` limits a fault to one file. A test ends with `assert faulty.unused() == []`: a fault
    that never fired proves nothing.
    """

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self._faults: list[_Fault] = []
        self._kills: dict[int, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self.calls = 0

    def fail(self, method: str, *errors: Exception, name: str | None = None) -> None:
        """Raise these instead of making the call, one per call."""
        for error in errors:
            self._plan(_Fault(method=method, name=name, act=_raiser(error)))

    def lose_reply(self, method: str, *errors: Exception, name: str | None = None) -> None:
        """Make the call, then raise: the caller cannot know that it was done."""
        for error in errors:
            self._plan(_Fault(method=method, name=name, act=_raiser(error), when=_When.AFTER))

    def tear(self, at: int, error: Exception, *, name: str | None = None) -> None:
        """Put only the first `at` bytes under the final name, then raise: a storage that lies."""
        act = _raiser(error)
        self._plan(_Fault(method="put", name=name, act=act, when=_When.TORN, torn_at=at))

    def break_off(self, after: int, error: Exception, *, name: str | None = None) -> None:
        """Let a listing end with this error after some entries."""
        act = _raiser(error)
        self._plan(_Fault(method="list", name=name, act=act, when=_When.TORN, torn_at=after))

    def delay(self, method: str, seconds: float, clock: Clock, *, name: str | None = None) -> None:
        """Let the clock run before the call is made."""
        self._plan(_Fault(method=method, name=name, act=lambda: clock.sleep(seconds)))

    def kill_at(self, call: int, act: Callable[[], None]) -> None:
        """Run this in place of the call with this number, counted from 1 over all methods.

        Usually it raises or ends the process; when it comes back, the call goes on.
        """
        self._kills[call] = act

    def unused(self) -> list[str]:
        """The planned faults that have not fired."""
        kills = [f"kill at call {call}" for call in sorted(self._kills)]
        return [str(fault) for fault in self._faults] + kills

    def put(self, name: str, content: Content) -> None:
        def tear(at: int) -> None:
            self._inner.put(name, bytes(content)[:at])

        self._run("put", name, lambda: self._inner.put(name, content), tear=tear)

    def get(self, name: str) -> bytes:
        return self._run("get", name, lambda: self._inner.get(name))

    def read(self, name: str, offset: int, length: int) -> bytes:
        return self._run("read", name, lambda: self._inner.read(name, offset, length))

    def size(self, name: str) -> int:
        return self._run("size", name, lambda: self._inner.size(name))

    def list(self, folder: str) -> Iterator[Entry]:
        kept: deque[Entry] = deque()

        def tear(at: int) -> None:
            kept.extend(islice(self._inner.list(folder), at))

        try:
            found = self._run("list", folder, lambda: self._inner.list(folder), tear=tear)
        except Exception:
            yield from kept
            raise
        yield from found

    def delete(self, name: str) -> None:
        self._run("delete", name, lambda: self._inner.delete(name))

    def _plan(self, fault: _Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def _run(
        self,
        method: str,
        name: str,
        call: Callable[[], _T],
        *,
        tear: Callable[[int], None] | None = None,
    ) -> _T:
        kill, fault = self._next(method, name)
        if kill is not None:
            kill()
        if fault is None:
            return call()
        if fault.when is _When.BEFORE:
            fault.act()
            return call()
        if fault.when is _When.TORN:
            assert tear is not None
            tear(fault.torn_at)
            fault.act()
        result = call()
        fault.act()
        return result

    def _next(self, method: str, name: str) -> tuple[Callable[[], None] | None, _Fault | None]:
        with self._lock:
            self.calls += 1
            kill = self._kills.pop(self.calls, None)
            for fault in self._faults:
                if fault.method == method and fault.name in (None, name):
                    self._faults.remove(fault)
                    return kill, fault
            return kill, None


def _raiser(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One change to a storage; no content means a deletion."""

    name: str
    content: bytes | None = None


class RecordingStorage(ForwardingStorage):
    """Passes calls on and records each change that was carried out, in order."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self._lock = threading.Lock()
        self.operations: list[Operation] = []

    def put(self, name: str, content: Content) -> None:
        with self._lock:
            self._inner.put(name, content)
            self.operations.append(Operation(name=name, content=bytes(content)))

    def delete(self, name: str) -> None:
        with self._lock:
            self._inner.delete(name)
            self.operations.append(Operation(name=name))


def replay(operations: Sequence[Operation], storage: Storage) -> None:
    for operation in operations:
        if operation.content is None:
            storage.delete(operation.name)
        else:
            storage.put(operation.name, operation.content)


def crashes(
    operations: Sequence[Operation], *, start: Callable[[], Storage] = MemoryStorage
) -> Iterator[tuple[int, Storage]]:
    """Every storage a crash can leave: after none, one, two … of the operations, each a fresh one.

    `start` makes what the recording began with. One after the other, a storage is complete when it
    is handed out, and may be changed at will.
    """
    for done in range(len(operations) + 1):
        storage = start()
        replay(operations[:done], storage)
        yield done, storage
