"""From an address to a connection with the machine that is meant, and with nobody else."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

from holdfast.base.clock import Clock
from holdfast.replication import link_frames as frames
from holdfast.replication.link_channel import Channel
from holdfast.replication.link_errors import (
    LinkGarbled,
    LinkSilent,
    LinkVersionsDiffer,
    SiteIsAnother,
    SiteNotTrusted,
    SiteRevoked,
    SiteUnreachable,
)
from holdfast.replication.link_frames import Beat, Greeting, Hello, Refusal, Rhythm
from holdfast.replication.link_identity import (
    IsRevoked,
    LinkIdentity,
    Shown,
    client_context,
    shown_by,
)
from holdfast.replication.link_line import sent_away
from holdfast.replication.link_sockets import tune
from holdfast.replication.link_troubles import trouble_with_site
from holdfast.replication.settings import SiteAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """In seconds: without any progress, to be connected, and between tries (then the last again)."""

    seconds: float = 20.0
    connect: float = 10.0
    waits: tuple[float, ...] = (0.1, 0.3, 1.0, 2.0, 4.0)
    # Until a connection that nobody uses is ended.
    idle: float = 300.0
    rhythm: Rhythm = frames.USUAL


USUAL = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """Who answers at a site's address."""

    shown: Shown
    product: str
    # How much later it is there.
    ahead: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to get to a site."""

    address: SiteAddress
    identity: LinkIdentity
    is_revoked: IsRevoked
    clock: Clock
    patience: Patience

    @property
    def place(self) -> str:
        host = self.address.host
        return f"[{host}]:{self.address.port}" if ":" in host else f"{host}:{self.address.port}"

    def connect(self) -> tuple[Channel, Met]:
        context = client_context(self.identity, self.clock)
        with contextlib.ExitStack() as opened:
            connection = opened.enter_context(self._secured(context, self._reached()))
            shown = self._known(connection)
            channel = Channel(
                connection,
                self.clock,
                place=self.place,
                rhythm=self.patience.rhythm,
                trouble_of=lambda err: trouble_with_site(err, self.place, self.clock.now()),
            )
            opened.callback(channel.close)
            met = self._greet(channel, shown)
            opened.pop_all()
        return channel, met

    def _reached(self) -> socket.socket:
        try:
            return socket.create_connection(
                (self.address.host, self.address.port), self.patience.connect
            )
        except (OSError, UnicodeError) as err:
            reason = getattr(err, "strerror", None) or err
            raise SiteUnreachable(site=self.address.site, place=self.place, reason=reason) from err

    def _secured(self, context: ssl.SSLContext, plain: socket.socket) -> ssl.SSLSocket:
        with plain:
            try:
                tune(plain)
                return context.wrap_socket(plain)
            except TimeoutError as err:
                raise LinkSilent(place=self.place, seconds=self.patience.connect) from err
            except OSError as err:
                raise trouble_with_site(err, self.place, self.clock.now()) from err

    def _known(self, connection: ssl.SSLSocket) -> Shown:
        try:
            found = shown_by(connection)
        except ValueError as err:
            raise SiteNotTrusted(place=self.place, reason=err) from err
        expected = self.address.machine
        if found.machine != expected:
            raise SiteIsAnother(place=self.place, found=found.machine, expected=expected)
        if self.is_revoked(found):
            raise SiteRevoked(place=self.place)
        return found

    def _greet(self, channel: Channel, shown: Shown) -> Met:
        """It speaks first, when it has looked at our certificate."""
        greeting = self._greeting(channel)
        if not greeting.oldest <= frames.VERSION <= greeting.version:
            raise LinkVersionsDiffer(place=self.place, theirs=greeting.version, ours=frames.VERSION)
        now = self.clock.now()
        channel.post(Hello(version=frames.VERSION, product=version("holdfast"), now=now))
        return Met(shown=shown, product=greeting.product, ahead=_ahead(greeting.now, now))

    def _greeting(self, channel: Channel) -> Greeting:
        for head in self._heads(channel):
            match head:
                case Greeting():
                    return head
                case Refusal(number=0):
                    raise sent_away(head, self.place)
                case Beat():
                    continue
                case _:
                    break
        raise LinkGarbled(place=self.place, reason="it does not begin with a greeting")

    def _heads(self, channel: Channel) -> Iterator[frames.Head]:
        deadline = self.clock.monotonic() + self.patience.connect
        while (left := deadline - self.clock.monotonic()) > 0:
            frame = channel.receive()
            if frame is None:
                channel.wait(left)
            else:
                yield frame.head
        raise LinkSilent(place=self.place, seconds=self.patience.connect)


def _ahead(there: datetime, here: datetime) -> timedelta:
    if there.tzinfo is None:
        return timedelta(0)
    return there - here
