"""The half of a machine's loop that speaks to the site: agrees with it, and sends what waits."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import timedelta

from holdfast.base.errors import HoldfastError
from holdfast.replication.log_writer import SealedLog
from holdfast.replication.meter import Meter
from holdfast.replication.receiver import Receiver, ReplicaWish
from holdfast.replication.replica_facts import ReplicaDisk, ReplicaFacts
from holdfast.replication.replicator_telling import Telling
from holdfast.replication.replicator_tools import Door, Tools
from holdfast.replication.retrying import NO_FAILURE, after_failure, may_try
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.shipping import Shipped, Shipping, is_another_replica, reconcile
from holdfast.replication.source_facts import Sent, Walk
from holdfast.replication.source_job import Outbox, known
from holdfast.replication.states import Event


class Shipper:
    """For one thread; what it knows of the site may be asked from others."""

    def __init__(
        self,
        outbox: Outbox,
        tools: Tools,
        telling: Telling,
        settings: Callable[[], ReplicationSettings],
        *,
        waits: Callable[[], Sequence[timedelta]],
    ) -> None:
        self._outbox = outbox
        self._tools = tools
        self._telling = telling
        self._settings = settings
        # Between tries after a failure.
        self._waits = waits
        self._door: Door | None = None
        self._address = settings().to
        self._shipping: Shipping | None = None
        self._meter = Meter(tools.clock)
        self._known: dict[str, SealedLog] = {}
        self._is_connected = False
        # Of what the replica is to be, as far as the machine was seen.
        self.disks: tuple[ReplicaDisk, ...] = ()
        self._wished: ReplicaWish | None = None

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    @property
    def receiver(self) -> Receiver | None:
        """None while the site is not known to have what we think it has."""
        return self._door.receiver if self._door and self._is_connected else None

    def remember(self, log: SealedLog) -> None:
        if self._shipping is not None:
            self._shipping.remember(log)

    def retry_now(self) -> None:
        self._telling.told.sending = NO_FAILURE

    def ask_anew(self) -> None:
        """What the site has is not what was thought; until it is known there is nobody to ask."""
        self._is_connected = False

    def once(self) -> Shipped | None:
        """Agree with the site if need be, and send one log; None if nothing was sent."""
        telling, now = self._telling, self._tools.clock.now()
        if not may_try(telling.told.sending, now, waits=self._waits()):
            return None
        try:
            if not self._is_connected or self._wish() != self._wished:
                self._connect()
            shipped = self._sent()
        except HoldfastError as err:
            self._failed(err)
            return None
        telling.told.sending = NO_FAILURE
        if shipped is not None:
            self._note(shipped)
        return shipped

    def _connect(self) -> None:
        settings = self._settings()
        if self._door is None or settings.to != self._address:
            self._door, self._address = self._tools.door(settings.to), settings.to
        wish = self._wish()
        facts = self._door.receiver.prepare(wish).facts
        self._agree(facts)
        self._wished = wish
        self._shipping = Shipping(
            self._outbox,
            self._door.sender,
            self._tools.clock,
            priority=settings.priority,
            meter=self._meter,
        )
        if self._telling.told.skew_seconds is None:
            # Of when the connection was made, which may be long ago; the site says it anew.
            self._telling.told.skew_seconds = self._door.ahead()
        self._is_connected = True

    def _agree(self, facts: ReplicaFacts | None) -> None:
        because = reconcile(self._outbox, facts)
        self._telling.facts(facts)
        if because is not None:
            self._telling.happened("resync", because.value)
            self._telling.move(Event.RESYNC_NEEDED)

    def _sent(self) -> Shipped | None:
        assert self._shipping is not None
        assert self._door is not None
        try:
            return self._shipping.ship_one()
        except HoldfastError as err:
            if not is_another_replica(err):
                raise
            before = known(self._outbox)
            # The next time the replica is prepared again, if it is not there at all.
            self._is_connected = False
            self._agree(self._door.receiver.state(self._outbox.uuid))
            if known(self._outbox) == before and err.code != "replica-missing":
                # Both know the same, and still it is refused: not at once again.
                raise
            return None

    def _wish(self) -> ReplicaWish:
        settings = self._settings()
        return ReplicaWish(
            vm=settings.vm,
            name=settings.name,
            source=self._tools.machine,
            disks=self.disks,
            points=settings.points,
        )

    def _failed(self, err: HoldfastError) -> None:
        telling = self._telling
        # Whoever is there after a cut may be another, or have been put back.
        self._is_connected = False
        telling.failed(err)
        now = self._tools.clock.now()
        telling.told.sending = after_failure(telling.told.sending, err, now, waits=self._waits())
        if telling.told.sending.is_over:
            telling.happened("gave-up", err.code)
            telling.move(Event.GAVE_UP)

    def _note(self, shipped: Shipped) -> None:
        telling, head = self._telling, shipped.log.head
        if shipped.log.is_slice:
            telling.told.walked_bytes = walked_bytes(shipped.walk)
            return
        telling.cycles.shipped(head.until, wire_bytes=shipped.log.size, seconds=shipped.seconds)
        telling.point(head, size=shipped.log.size)
        # One that was adopted, as of a machine that came here, had no first copy from here.
        telling.move(Event.COPY_BEGAN, Event.COPY_DONE, Event.RESYNC_DONE)

    def tell_what_is_over(self) -> None:
        """Whoever was killed before telling would have; nobody else does before the next point."""
        with contextlib.suppress(HoldfastError):
            sent, walk = known(self._outbox)
            if walk is None and sent.is_settled:
                self._telling.move(Event.COPY_DONE, Event.RESYNC_DONE)

    def queue(self) -> tuple[Sent, Walk | None]:
        """What waits, noted for the status."""
        with contextlib.suppress(HoldfastError, OSError), self._outbox.folder.lock:
            sent, walk = known(self._outbox)
            logs = self._outbox.spool.counted(sent, walk)
            self._telling.told.speed = self._meter.rate()
            self._telling.told.queue_logs = len(logs)
            self._telling.told.queue_bytes = sum(log.size for log in logs)
            return sent, walk
        return Sent(site=self._outbox.site), None


def walked_bytes(walk: Walk | None) -> int:
    if walk is None:
        return 0
    return walk.reached(walk.acked)
