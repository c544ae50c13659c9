"""A site's port: sources connect to it over TLS, and each is served in a thread of its own.

Whoever shows no certificate of a machine gets no further than the handshake, for which there are
few places and little time: when all are taken, the one that is at it longest has to go.
"""

import contextlib
import logging
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.replication.link_channel import Channel
from holdfast.replication.link_errors import (
    LinkLost,
    SiteBusy,
    SitePortUnavailable,
    SiteStopping,
    SourceNotAMachine,
    SourceRevoked,
)
from holdfast.replication.link_frames import USUAL, Rhythm
from holdfast.replication.link_identity import (
    IsRevoked,
    LinkIdentity,
    Shown,
    nobody_revoked,
    server_context,
    shown_by,
)
from holdfast.replication.link_intakes import Intakes
from holdfast.replication.link_refusals import refusal_of
from holdfast.replication.link_serving import Grants, Parts, Serving
from holdfast.replication.link_sockets import drain, listen, tune
from holdfast.replication.link_troubles import trouble_with_source
from holdfast.replication.link_tunnel import Doors, no_doors
from holdfast.replication.link_works import Works
from holdfast.replication.pace import Pace
from holdfast.replication.receiver import Receiver
from holdfast.replication.settings import DEFAULT_PORT

_log = logging.getLogger(__name__)
_LOOK = 1.0
_SPOKEN_OF, _MOST_SPOKEN_OF = 300.0, 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    connections: int = 64
    of_one_machine: int = 8
    # Beside those: there are some for each disk of a machine that moves.
    tunnels: int = 128
    handshakes: int = 32
    handshake_seconds: float = 10.0
    rhythm: Rhythm = USUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenAt:
    """Addresses of this host, "" for all of them; port 0 is one that is free."""

    hosts: tuple[str, ...] = ("",)
    port: int = DEFAULT_PORT


def _listening(at: ListenAt) -> list[socket.socket]:
    try:
        return listen(at.hosts, at.port)
    except OSError as err:
        address = ", ".join(f"{host or '*'}:{at.port}" for host in at.hosts)
        raise SitePortUnavailable(
            address=address, port=at.port, reason=err.strerror or err
        ) from err


def _nothing(_error: HoldfastError) -> None:
    """Nobody wants to hear of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRules:
    """Asked at every request; `on_refused` hears of who was sent away, in a thread of the server's."""

    grants: Grants
    is_revoked: IsRevoked = nobody_revoked
    doors: Doors = no_doors
    # How fast logs are taken in, from all sources together; None: as fast as they come.
    pace: Pace | None = None
    on_refused: Callable[[HoldfastError], None] = _nothing


class LinkServer:
    def __init__(
        self,
        receiver: Receiver,
        identity: LinkIdentity,
        rules: SiteRules,
        *,
        clock: Clock,
        at: ListenAt = ListenAt(),
        limits: ServerLimits = ServerLimits(),
    ) -> None:
        self._identity, self._clock, self._limits = identity, clock, limits
        self._on_refused = rules.on_refused
        self._parts = Parts(
            receiver=receiver,
            grants=rules.grants,
            is_revoked=rules.is_revoked,
            clock=clock,
            works=Works(),
            intakes=Intakes(receiver),
            doors=rules.doors,
            pace=rules.pace or Pace(clock),
        )
        # It is said at once when we cannot prove who we are.
        server_context(identity, clock)
        self._lock = threading.Lock()
        self._is_stopping = False
        self._newcomers: dict[ssl.SSLSocket, float] = {}
        self._servings: list[Serving] = []
        self._spoken_of: dict[tuple[type[HoldfastError], str], float] = {}
        self._threads: set[threading.Thread] = set()
        self._listeners = _listening(at)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._accepting = threading.Thread(target=self._accept_all, name="site-port", daemon=True)

    @property
    def port(self) -> int:
        return int(self._listeners[0].getsockname()[1])

    def start(self) -> Self:
        self._accepting.start()
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, patience: float = 60.0) -> bool:
        """Nothing new is begun; whether all that was under way ended within `patience` seconds.

        Called again, it does nothing.
        """
        with self._lock:
            if self._is_stopping:
                return True
            self._is_stopping = True
        os.eventfd_write(self._wake, 1)
        self._accepting.join()
        os.close(self._wake)
        for serving in self._serving_now():
            serving.stop()
        is_done = self._parts.works.wait_until_idle(self._clock, patience)
        self._parts.works.close()
        for serving in self._serving_now():
            serving.end(SiteStopping())
        with self._lock:
            threads = tuple(self._threads)
            self._send_newcomers_away(self._newcomers)
        for thread in threads:
            thread.join()
        return is_done

    def _serving_now(self) -> tuple[Serving, ...]:
        with self._lock:
            return tuple(self._servings)

    # The thread that accepts.

    def _accept_all(self) -> None:
        poll = select.poll()
        for listener in self._listeners:
            poll.register(listener, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        by_number = {listener.fileno(): listener for listener in self._listeners}
        while not self._is_stopping:
            for number, _events in poll.poll(_LOOK * 1000):
                if number in by_number:
                    self._accept(by_number[number])
            self._end_slow_handshakes()
        for listener in self._listeners:
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        try:
            plain, address = listener.accept()
        except BlockingIOError:
            return
        except OSError as err:
            # Out of descriptors, mostly: those that are served give theirs back one day.
            _log.warning("nobody can connect now: %s", err)
            self._clock.sleep(_LOOK)
            return
        place = f"{address[0]}:{address[1]}"
        thread = threading.Thread(target=self._serve, args=(plain, place), name="site-source")
        with self._lock:
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError as err:
            _log.warning("nobody can be served now: %s", err)
            with self._lock:
                self._threads.discard(thread)
            plain.close()

    def _end_slow_handshakes(self) -> None:
        latest = self._clock.monotonic() - self._limits.handshake_seconds
        with self._lock:
            slow = [one for one, since in self._newcomers.items() if since < latest]
            self._send_newcomers_away(slow)

    # The thread of one connection.

    def _serve(self, plain: socket.socket, place: str) -> None:
        try:
            self._serve_connection(plain, place)
        except Exception:
            _log.exception("a mistake while serving %s", place)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _serve_connection(self, plain: socket.socket, place: str) -> None:
        with plain:
            try:
                tune(plain)
                context = server_context(self._identity, self._clock)
                connection = context.wrap_socket(
                    plain, server_side=True, do_handshake_on_connect=False
                )
            except (HoldfastError, OSError) as err:
                _log.error("%s cannot be served: %s", place, err)
                return
        with connection:
            who = self._known(connection, place)
            if who is not None:
                self._serve_source(connection, place, who)

    def _known(self, connection: ssl.SSLSocket, place: str) -> Shown | None:
        """Who it is, if it is a machine that has been vouched for."""
        self._add_newcomer(connection)
        try:
            connection.settimeout(self._limits.handshake_seconds)
            connection.do_handshake()
            return shown_by(connection)
        except OSError as err:
            self._refused(trouble_with_source(err, place, self._clock.now()), place)
            # The alert that says why must not be overtaken by a reset.
            drain(connection)
        except ValueError as err:
            self._refused(SourceNotAMachine(address=place, reason=err), place)
        finally:
            with self._lock:
                self._newcomers.pop(connection, None)
        return None

    def _add_newcomer(self, connection: ssl.SSLSocket) -> None:
        with self._lock:
            self._newcomers[connection] = self._clock.monotonic()
            too_many = len(self._newcomers) - self._limits.handshakes
            self._send_newcomers_away(list(self._newcomers)[: max(0, too_many)])

    def _send_newcomers_away(
        self, them: Sequence[ssl.SSLSocket] | dict[ssl.SSLSocket, float]
    ) -> None:
        for connection in them:
            with contextlib.suppress(OSError):
                # The thread at its handshake still uses what SSLSocket would take away.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _serve_source(self, connection: ssl.SSLSocket, place: str, who: Shown) -> None:
        channel = Channel(connection, self._clock, place=place, rhythm=self._limits.rhythm)
        serving = Serving(channel, who, self._parts)
        try:
            refusal = self._admit(serving)
            if refusal is not None:
                self._refused(refusal, place)
                serving.end(refusal)
            serving.run()
            drain(connection)
        except LinkLost as err:
            _log.debug("%s: %s", place, err)
        except HoldfastError as err:
            _log.info("%s, machine %s: %s", place, who.machine, err)
            with contextlib.suppress(HoldfastError):
                channel.post(refusal_of(0, err, what="connection"))
                channel.flush()
                drain(connection)
        finally:
            with self._lock:
                self._servings = [one for one in self._servings if one is not serving]
            channel.close()

    def _admit(self, serving: Serving) -> HoldfastError | None:
        """Why it is not; a machine with too many connections loses the oldest of them instead."""
        if self._parts.is_revoked(serving.who):
            return SourceRevoked(machine=serving.who.machine)
        with self._lock:
            if self._is_stopping:
                return SiteStopping()
            plain = [one for one in self._servings if not one.is_tunnel]
            if len(self._servings) - len(plain) > self._limits.tunnels:
                return SiteBusy(count=self._limits.tunnels, what="tunnels")
            same = [one for one in plain if one.who.machine == serving.who.machine]
            if len(same) < self._limits.of_one_machine and (len(plain) >= self._limits.connections):
                return SiteBusy(count=self._limits.connections, what="connections")
            self._servings.append(serving)
        most = self._limits.of_one_machine
        for oldest in same[: max(0, len(same) + 1 - most)]:
            oldest.end(SiteBusy(count=most, what="connections of one machine"))
        return None

    def _refused(self, error: HoldfastError, place: str) -> None:
        """Whoever tries again and again is spoken of now and then."""
        about = type(error), place.rpartition(":")[0]
        now = self._clock.monotonic()
        with self._lock:
            is_known = now - self._spoken_of.get(about, float("-inf")) < _SPOKEN_OF
            if not is_known:
                self._spoken_of[about] = now
            if len(self._spoken_of) > _MOST_SPOKEN_OF:
                del self._spoken_of[next(iter(self._spoken_of))]
        if not is_known:
            _log.warning("refused: %s", error)
            self._on_refused(error)
