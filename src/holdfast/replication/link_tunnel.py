"""Bytes between a connection of the link and a socket of this host, both ways, until both ends ended.

A live hand-over is what needs it: hypervisors speak to each other through sockets of their own hosts,
and between those lies our link, so that nothing of theirs has to listen on a network.
"""

import contextlib
import select
import socket
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from holdfast.base.units import KIB
from holdfast.replication import link_frames as frames
from holdfast.replication.link_channel import Channel
from holdfast.replication.link_errors import LinkGarbled, LinkLost
from holdfast.replication.link_frames import Beat, Data
from holdfast.replication.link_requests import Vm

PIECE = 256 * KIB
_HEAD = KIB
_WAIT = 1.0
_ROW = 16


class DoorName(StrEnum):
    """What of a site can be reached while a machine moves there."""

    # Its hypervisor, as far as that has to be asked for a migration.
    LIBVIRT = "libvirt"
    MEMORY = "memory"
    DISKS = "disks"


class AskTunnel(msgspec.Struct, frozen=True, kw_only=True):
    """The connection is bytes of this socket from the answer on, and nothing else any more."""

    verb: ClassVar[str] = "tunnel"

    vm: Vm
    act: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
    door: DoorName


# Which socket it is, if this machine may go through that door now.
Doors = Callable[[str, AskTunnel], Path | None]
# What may go on of what comes in; raises for what may not.
Guard = Callable[[memoryview], bytes | memoryview]


def no_doors(_machine: str, _asked: AskTunnel) -> Path | None:
    """Nothing of this host can be reached."""
    return None


def all_of_it(content: memoryview) -> memoryview:
    return content


class Pipe:
    """For one thread, which owns the channel as well."""

    def __init__(
        self, channel: Channel, local: socket.socket, number: int, *, guard: Guard = all_of_it
    ) -> None:
        local.settimeout(0)
        self._channel, self._local, self._number, self._guard = channel, local, number, guard
        self._space = memoryview(bytearray(_HEAD + PIECE))
        # What has come and this host's socket has not taken yet.
        self._left: bytes | memoryview = b""
        self._is_out_ended = self._is_in_ended = False
        self.sent_bytes = self.received_bytes = 0

    @property
    def is_over(self) -> bool:
        """Both have said that no more comes, and all of it went on."""
        return self._is_out_ended and self._is_in_ended and not self._left and self._has_flushed()

    def turn(self) -> None:
        """Move what can be moved, or wait a moment for more; raises what ends it."""
        is_flushed = self._channel.flush()
        has_moved = self._take_in()
        if is_flushed and not self._is_out_ended:
            has_moved |= self._give_out()
        if not has_moved:
            self._wait(is_flushed=is_flushed)
        self._channel.beat(deaf=bool(self._left))

    def _has_flushed(self) -> bool:
        return self._channel.flush()

    def _wait(self, *, is_flushed: bool) -> None:
        events = select.POLLOUT if self._left else 0
        if is_flushed and not self._is_out_ended:
            events |= select.POLLIN
        beside = (self._local.fileno(), events) if events else None
        self._channel.wait(_WAIT, deaf=bool(self._left), beside=beside)

    # From this host to the link.

    def _give_out(self) -> bool:
        """One piece; the channel has sent the one before, so its memory is free."""
        content = self._space[_HEAD:]
        try:
            size = self._local.recv_into(content)
        except BlockingIOError:
            return False
        except OSError as err:
            raise self._ended(err) from err
        opening = frames.encode(Data(self._number, self.sent_bytes), size)
        begin = _HEAD - len(opening)
        self._space[begin:_HEAD] = opening
        self.sent_bytes += size
        self._is_out_ended = not size
        self._channel.send(self._space[begin : _HEAD + size])
        return True

    # From the link to this host.

    def _take_in(self) -> bool:
        has_moved = self._pour()
        for _ in range(_ROW):
            if self._left:
                break
            frame = self._channel.receive()
            if frame is None:
                break
            has_moved = True
            self._handle(frame.head, frame.payload)
            self._pour()
        return has_moved

    def _handle(self, head: frames.Head, payload: memoryview) -> None:
        match head:
            case Data(number=self._number) if payload and not self._is_in_ended:
                self.received_bytes += len(payload)
                self._left = self._guard(payload)
            case Data(number=self._number) if not payload:
                self._is_in_ended = True
                with contextlib.suppress(OSError):
                    self._local.shutdown(socket.SHUT_WR)
            case Beat():
                pass
            case frames.Refusal(number=0, sentence=sentence):
                raise LinkLost(place=self._channel.place, reason=sentence)
            case _:
                reason = f"{type(head).__name__} in the middle of a tunnel"
                raise LinkGarbled(place=self._channel.place, reason=reason)

    def _pour(self) -> bool:
        if not self._left:
            return False
        try:
            taken = self._local.send(self._left)
        except BlockingIOError:
            return False
        except OSError as err:
            raise self._ended(err) from err
        self._left = self._left[taken:]
        return True

    def _ended(self, err: OSError) -> LinkLost:
        return LinkLost(place=self._channel.place, reason=err.strerror or err)
