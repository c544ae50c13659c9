"""Bytes to and from an NBD peer: all of them, in time, or an error."""

import contextlib
import socket
from typing import NoReturn

from holdfast.base.errors import HoldfastError
from holdfast.disks.errors import DiskConnectionLost, DiskReplyMalformed, DiskServerSilent

_GONE = "it was closed by the other side"


class NbdStream:
    """A connection that is over with the first thing that goes wrong on it.

    Afterwards nobody knows where in a message it stands, so every later call fails the same way.
    One thread may send while another receives.
    """

    def __init__(self, connection: socket.socket, *, place: object, patience: float) -> None:
        self.place = place
        self._connection = connection
        self._patience = patience
        self._failure: HoldfastError | None = None

    def send(self, *parts: bytes | memoryview) -> None:
        self._refuse_if_broken()
        views = [memoryview(part) for part in parts]
        try:
            while views:
                _consume(views, self._connection.sendmsg(views))
        except OSError as err:
            self._fail(err)

    def receive(self, count: int) -> bytes:
        content = bytearray(count)
        self.receive_into(memoryview(content))
        return bytes(content)

    def receive_into(self, view: memoryview) -> None:
        self._refuse_if_broken()
        rest = view
        try:
            while rest:
                # The kernel fills it whole, unless its time is up.
                count = self._connection.recv_into(rest, 0, socket.MSG_WAITALL)
                if not count:
                    self._break(DiskConnectionLost(place=self.place, reason=_GONE))
                rest = rest[count:]
        except OSError as err:
            self._fail(err)

    def malformed(self, reason: object) -> NoReturn:
        """What came was no message we know; no other can be told apart after it."""
        self._break(DiskReplyMalformed(place=self.place, reason=reason))

    def close(self) -> None:
        if self._failure is None:
            self._failure = DiskConnectionLost(place=self.place, reason="it was closed by us")
        self._connection.close()

    def hang_up(self) -> None:
        """End every call on it, in every thread; it still has to be closed."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    @property
    def is_open(self) -> bool:
        return self._failure is None

    def _fail(self, error: OSError) -> NoReturn:
        failure: HoldfastError
        if isinstance(error, BlockingIOError):
            failure = DiskServerSilent(place=self.place, seconds=round(self._patience))
        else:
            failure = DiskConnectionLost(place=self.place, reason=error.strerror or error)
        self._break(failure, cause=error)

    def _break(self, failure: HoldfastError, cause: Exception | None = None) -> NoReturn:
        self._failure = failure
        self.hang_up()
        raise failure from cause

    def _refuse_if_broken(self) -> None:
        if self._failure is not None:
            raise type(self._failure)(**self._failure.fields)


def _consume(views: list[memoryview], count: int) -> None:
    """Take what was sent off the front."""
    rest = count
    while views and rest >= len(views[0]):
        rest -= len(views.pop(0))
    if rest:
        views[0] = views[0][rest:]
