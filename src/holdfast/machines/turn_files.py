"""Turns of this host's backups as files: each is locked by its process, so the dead have none.

Whoever looks or changes something holds the folder's own lock, for moments. Everything is decided
from what lies there, so that limits may differ from process to process and change at any time.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.units import format_duration
from holdfast.machines.backup_errors import VmTurnNotCome
from holdfast.machines.turns import InTheWay, Turn, TurnLimits, in_the_way, may_begin
from holdfast.machines.vm_lock import FOLDER

TURNS = "turns"
_GATE = "gate"
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Said again and again to whoever waits; `seconds` is how long by now."""

    vm: str
    seconds: float
    blocked: InTheWay


OnWaiting = Callable[[Waiting], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnWish:
    vm: str
    stores: Mapping[str, str]
    limits: TurnLimits
    wait: timedelta
    on_waiting: OnWaiting


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says; its name is the number."""

    name: str
    pid: int
    since: datetime
    stores: dict[str, str] = {}
    is_taken: bool = False


@contextlib.contextmanager
def turn(home: str, wish: TurnWish, clock: Clock) -> Iterator[None]:
    """Wait for it and hold it; nothing else that others wait for should be taken before."""
    folder = Path(home, FOLDER, TURNS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _queued(folder, wish, clock) as queued:
        _wait(queued, wish, clock)
        yield


class _Queued:
    """One of ours in the queue."""

    def __init__(self, folder: Path, mine: Turn, descriptor: int) -> None:
        self.folder = folder
        self.mine = mine
        self._descriptor = descriptor

    def write(self) -> None:
        mine = self.mine
        kept = _Kept(
            name=mine.name,
            pid=mine.pid,
            since=mine.since,
            stores=dict(mine.stores),
            is_taken=mine.is_taken,
        )
        content = msgspec.json.encode(kept)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)

    def take(self, now: datetime) -> None:
        self.mine = replace(self.mine, is_taken=True, since=now)
        self.write()


@contextlib.contextmanager
def _queued(folder: Path, wish: TurnWish, clock: Clock) -> Iterator[_Queued]:
    with _gate(folder):
        numbers = [int(each.name) for each in folder.iterdir() if each.name.isdecimal()]
        number = max(numbers, default=0) + 1
        mine = Turn(
            number=number, name=wish.vm, pid=os.getpid(), since=clock.now(), stores=wish.stores
        )
        path = folder / str(number)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        queued = _Queued(folder, mine, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            queued.write()
        except BaseException:
            _remove(path, descriptor)
            raise
    try:
        yield queued
    finally:
        _remove(path, descriptor)


def _remove(path: Path, descriptor: int) -> None:
    # Before the lock goes: a number may be given again as soon as its file is away.
    with contextlib.suppress(OSError):
        path.unlink()
    os.close(descriptor)


def _wait(queued: _Queued, wish: TurnWish, clock: Clock) -> None:
    began = clock.monotonic()
    while (blocked := _tried(queued, wish.limits, clock)) is not None:
        seconds = clock.monotonic() - began
        if seconds >= wish.wait.total_seconds():
            raise _too_long(wish, blocked, clock)
        wish.on_waiting(Waiting(vm=wish.vm, seconds=seconds, blocked=blocked))
        clock.sleep(_POLL_SECONDS)


def _tried(queued: _Queued, limits: TurnLimits, clock: Clock) -> InTheWay | None:
    """None: it is our turn now."""
    with _gate(queued.folder):
        turns = [*_others(queued.folder, queued.mine.number), queued.mine]
        if may_begin(queued.mine.number, turns, limits):
            queued.take(clock.now())
            return None
        return in_the_way(queued.mine, turns, limits)


def _others(folder: Path, mine: int) -> Iterator[Turn]:
    for path in list(folder.iterdir()):
        if path.name.isdecimal() and int(path.name) != mine:
            # One that ends takes its file with it.
            with contextlib.suppress(FileNotFoundError):
                if (found := _living(path)) is not None:
                    yield found


def _living(path: Path) -> Turn | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(path, descriptor)
        # Its process was killed.
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(descriptor)


def _read(path: Path, descriptor: int) -> Turn | None:
    try:
        kept = msgspec.json.decode(os.read(descriptor, 1 << 20), type=_Kept)
    except (msgspec.DecodeError, UnicodeError):
        # Of a release that says it otherwise; it must not keep all others from their work.
        return None
    return Turn(
        number=int(path.name),
        name=kept.name,
        pid=kept.pid,
        since=kept.since,
        stores=kept.stores,
        is_taken=kept.is_taken,
    )


@contextlib.contextmanager
def _gate(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / _GATE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _too_long(wish: TurnWish, blocked: InTheWay, clock: Clock) -> VmTurnNotCome:
    now = clock.now()
    holders = ", ".join(
        f"{each.name} (pid {each.pid}, {_age(now - each.since)})" for each in blocked.holders
    )
    return VmTurnNotCome(
        about=wish.vm,
        waited=format_duration(wish.wait.total_seconds()),
        holders=holders or "-",
    )


def _age(age: timedelta) -> str:
    return format_duration(max(0.0, age.total_seconds()))
