"""So many bytes a second, and not more: for all processes of a job together, changeable meanwhile.

The rates stand in a small file that all of them have in memory at once, beside the moment from
which on the line is free. Whoever wants to send takes the next stretch of time and waits for its
begin; with stretches of a quarter second, a change of the rate is obeyed within about as much.
A file is sent at full speed once its time has come, so the rate holds over seconds, not within one.
"""

import contextlib
import fcntl
import mmap
import os
import struct
import threading
from collections.abc import Iterator
from enum import IntEnum

from holdfast.base.clock import Clock
from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.protocol import Content, Storage

_ONE_WAY = struct.Struct("<dd")  # bytes a second; when the line is free, by the kernel's clock
_SIZE = 2 * _ONE_WAY.size
# A file of zeros, as a new one is, must not stop anybody.
_UNLIMITED, _PAUSED = 0.0, -1.0
_STRETCH = 0.25
_PAUSE = 1.0
# The clock begins anew with each start of the machine: nobody waits longer than this for a turn.
_LONGEST_TURN = 60.0


class Way(IntEnum):
    UP = 0
    DOWN = 1


class Rates:
    """Two rates that several processes share; None is no limit, 0 a pause."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.ftruncate(descriptor, _SIZE)
        self._shared = mmap.mmap(descriptor, _SIZE)
        self._thread_lock = threading.Lock()
        self._pid = os.getpid()

    @classmethod
    def in_file(cls, path: str) -> "Rates":
        """Those of a file; where there is none yet, there is no limit either."""
        return cls(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

    @classmethod
    def alone(cls, *, up: int | None, down: int | None) -> "Rates":
        """For this process and those it forks."""
        rates = cls(os.memfd_create("rates"))
        rates.set(up=up, down=down)
        return rates

    def close(self) -> None:
        self._shared.close()
        os.close(self._descriptor)

    def set(self, *, up: int | None, down: int | None) -> None:
        with self._locked():
            for way, rate in ((Way.UP, up), (Way.DOWN, down)):
                _rate, free = self._read(way)
                self._write(way, _stored(rate), free)

    def take(self, way: Way, size: int, clock: Clock) -> None:
        """Wait until so many bytes may go this way."""
        left = float(size)
        while left > 0:
            rate = self._read(way)[0]
            if rate == _UNLIMITED:
                return
            if rate == _PAUSED:
                clock.sleep(_PAUSE)
                continue
            part = min(left, max(rate * _STRETCH, 1.0))
            left -= part
            wait = self._turn(way, part / rate, clock.monotonic())
            if wait > 0:
                clock.sleep(wait)

    def _turn(self, way: Way, seconds: float, now: float) -> float:
        """Take the next free stretch of time; how long it is until its begin."""
        with self._locked():
            rate, free = self._read(way)
            begin = free if now < free < now + _LONGEST_TURN else now
            self._write(way, rate, begin + seconds)
        return begin - now

    def _read(self, way: Way) -> tuple[float, float]:
        rate, free = _ONE_WAY.unpack_from(self._shared, way * _ONE_WAY.size)
        return rate, free

    def _write(self, way: Way, rate: float, free: float) -> None:
        _ONE_WAY.pack_into(self._shared, way * _ONE_WAY.size, rate, free)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        if self._pid != os.getpid():
            # A thread of the parent may have held it when we were forked.
            self._thread_lock, self._pid = threading.Lock(), os.getpid()
        with self._thread_lock:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN)


def _stored(rate: int | None) -> float:
    if rate is None:
        return _UNLIMITED
    return float(rate) if rate > 0 else _PAUSED


class LimitedStorage(ForwardingStorage):
    """A storage behind a line that carries only so much."""

    def __init__(self, inner: Storage, rates: Rates, clock: Clock) -> None:
        super().__init__(inner)
        self._rates = rates
        self._clock = clock

    def put(self, name: str, content: Content) -> None:
        self._rates.take(Way.UP, len(content), self._clock)
        self._inner.put(name, content)

    def get(self, name: str) -> bytes:
        content = self._inner.get(name)
        # Its size is known only now; the next one waits for it.
        self._rates.take(Way.DOWN, len(content), self._clock)
        return content

    def read(self, name: str, offset: int, length: int) -> bytes:
        self._rates.take(Way.DOWN, length, self._clock)
        return self._inner.read(name, offset, length)
