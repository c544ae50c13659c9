"""Sockets of this host that end at a site's: who connects to one of them is there, over the link."""

import contextlib
import logging
import os
import select
import socket
import threading
from pathlib import Path
from typing import Self

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.replication.link_channel import Channel
from holdfast.replication.link_connecting import Way
from holdfast.replication.link_errors import LinkGarbled, LinkSilent
from holdfast.replication.link_frames import Answer, Ask, Beat, Refusal
from holdfast.replication.link_refusals import error_of
from holdfast.replication.link_tunnel import AskTunnel, DoorName, Pipe

_log = logging.getLogger(__name__)
_NUMBER = 1
_BACKLOG = 64
_PATIENCE = 30.0


class Tunnels:
    """Of one machine that moves; what they carry is counted, by door."""

    def __init__(self, way: Way, *, vm: str, act: str) -> None:
        self._way, self._vm, self._act = way, vm, act
        self._lock = threading.Lock()
        self._carried = dict.fromkeys(DoorName, 0)
        self._listeners: dict[int, tuple[socket.socket, DoorName, Path]] = {}
        self._threads: list[threading.Thread] = []
        self._is_over = False
        # Why the last of them ended that did not end well.
        self.trouble: HoldfastError | None = None
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._accepting = threading.Thread(target=self._accept_all, name="tunnels", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, paths: dict[DoorName, Path]) -> Self:
        """Listen at these; whoever may enter their folder may use them."""
        for door, path in paths.items():
            path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(str(path))
            # QEMU has a user of its own.
            path.chmod(0o666)
            listener.listen(_BACKLOG)
            listener.settimeout(0)
            self._listeners[listener.fileno()] = (listener, door, path)
        self._accepting.start()
        return self

    def carried(self) -> dict[DoorName, int]:
        """Bytes so far, both ways."""
        with self._lock:
            return dict(self._carried)

    def close(self) -> None:
        """Whatever is still under way ends."""
        if self._is_over:
            return
        self._is_over = True
        os.eventfd_write(self._wake, 1)
        if self._accepting.ident is not None:
            self._accepting.join()
        for listener, _door, path in self._listeners.values():
            listener.close()
            path.unlink(missing_ok=True)
        for thread in self._threads:
            thread.join()
        os.close(self._wake)

    def _accept_all(self) -> None:
        poll = select.poll()
        for number in (*self._listeners, self._wake):
            poll.register(number, select.POLLIN)
        while not self._is_over:
            for number, _events in poll.poll():
                if number in self._listeners:
                    listener, door, _path = self._listeners[number]
                    with contextlib.suppress(BlockingIOError):
                        self._begin(listener.accept()[0], door)

    def _begin(self, local: socket.socket, door: DoorName) -> None:
        thread = threading.Thread(target=self._carry, args=(local, door), name=f"tunnel-{door}")
        self._threads.append(thread)
        thread.start()

    # The thread of one connection.

    def _carry(self, local: socket.socket, door: DoorName) -> None:
        with local:
            try:
                channel, _met = self._way.connect()
                with contextlib.closing(channel):
                    self._carry_over(channel, local, door)
            except HoldfastError as err:
                _log.debug("tunnel to %s: %s", door, err)
                self.trouble = err
            except Exception:
                _log.exception("a mistake in the tunnel to %s", door)

    def _carry_over(self, channel: Channel, local: socket.socket, door: DoorName) -> None:
        self._ask(channel, door)
        pipe, before = Pipe(channel, local, _NUMBER), 0
        while not pipe.is_over and not self._is_over:
            try:
                pipe.turn()
            finally:
                # Also of the turn in which it came to its end.
                now = pipe.sent_bytes + pipe.received_bytes
                self._count(door, now - before)
                before = now

    def _count(self, door: DoorName, size: int) -> None:
        if size:
            with self._lock:
                self._carried[door] += size

    def _ask(self, channel: Channel, door: DoorName) -> None:
        asked = AskTunnel(vm=self._vm, act=self._act, door=door)
        channel.post(Ask(_NUMBER, AskTunnel.verb), msgspec.msgpack.encode(asked))
        deadline = self._way.clock.monotonic() + _PATIENCE
        while not self._is_over:
            channel.flush()
            frame = channel.receive()
            match frame.head if frame is not None else None:
                case Answer(number=1):
                    return
                case Refusal() as refusal:
                    raise error_of(refusal)
                case None if self._way.clock.monotonic() > deadline:
                    raise LinkSilent(place=channel.place, seconds=_PATIENCE)
                case None:
                    channel.wait(1.0)
                case Beat():
                    pass
                case head:
                    reason = f"{type(head).__name__} instead of a tunnel"
                    raise LinkGarbled(place=channel.place, reason=reason)
