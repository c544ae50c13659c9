"""Which connection a log comes in on: the one that asked last, and none beside it.

A connection that was cut lives on at the site until that is noticed, and may have pieces in it
that nobody has read yet. Once its log is asked for on another one, they are not taken any more.
"""

import threading

from holdfast.replication.link_errors import LogNotOpen
from holdfast.replication.receiver import Incoming, Receiver


class Intake:
    """One log that comes in."""

    def __init__(self, receiver: Receiver, vm: str, sha256: str) -> None:
        self._receiver = receiver
        self.vm, self.sha256 = vm, sha256
        self._lock = threading.Lock()
        self._owner: object = None

    def begin(self, owner: object, *, size: int) -> Incoming:
        with self._lock:
            self._owner = owner
            return self._receiver.incoming(self.vm, self.sha256, size=size)

    def take(self, owner: object, offset: int, content: memoryview) -> None:
        with self._lock:
            if owner is not self._owner:
                raise LogNotOpen(sha256=self.sha256)
            self._receiver.take(self.vm, self.sha256, offset=offset, content=content)

    def is_of(self, owner: object) -> bool:
        return self._owner is owner


class Intakes:
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._lock = threading.Lock()
        self._all: dict[tuple[str, str], Intake] = {}

    def of(self, vm: str, sha256: str) -> Intake:
        with self._lock:
            key = vm, sha256
            return self._all.setdefault(key, Intake(self._receiver, vm, sha256))

    def forget(self, owner: object) -> None:
        """The connection is over."""
        with self._lock:
            self._all = {key: one for key, one in self._all.items() if not one.is_of(owner)}

    def applied(self, vm: str, sha256: str) -> None:
        with self._lock:
            self._all.pop((vm, sha256), None)
