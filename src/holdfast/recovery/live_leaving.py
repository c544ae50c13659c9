"""One try of a machine to leave its own host while it runs, in a thread of its own.

It goes on here until the very end: it stops here only when it stands ready at the site, and runs
on there only when this host has said that it cannot be started here any more.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.checkpoints import list_checkpoints, stored_form
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import HostLost, HostUnreachable
from holdfast.hypervisor.migrating import (
    Arrival,
    MigrationStats,
    MigrationWay,
    leaving_forms,
    migrate_paused,
)
from holdfast.hypervisor.states import State
from holdfast.machines.pulling import patiently
from holdfast.machines.vm_lock import once_free
from holdfast.recovery import fencing
from holdfast.recovery.live_errors import LiveFailed, LiveGivenUp, LiveNotShipped
from holdfast.recovery.live_freezing import Frozen, freeze, planned_note, require_movable
from holdfast.recovery.live_note import LiveNote, write_live
from holdfast.recovery.live_sockets import clear_room, make_room, way_of
from holdfast.recovery.live_watch import Watch
from holdfast.recovery.record import Fence
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.link_tunnel import DoorName
from holdfast.replication.link_tunnels import Tunnels
from holdfast.replication.site_orders import SiteOrder
from holdfast.replication.source_job import Held, SourceJob, held
from holdfast.replication.source_orders import Loop

FREEZE, MIGRATE = "freeze", "migrate"
_PAUSE = 0.05
_HOLD_SECONDS = 180.0
# The site says something four times a second.
_SILENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a try is given by whoever makes it; `keep` makes durable that it was given away."""

    home: str
    clock: Clock
    folder: RecordFolder
    tunnels: Callable[[str], Tunnels]
    limit: Callable[[], int | None]
    keep: Callable[[Fence], object]
    # When it failed and nobody holds the machine any more.
    clean: Callable[[], None]


class Leaving:
    def __init__(self, loop: Loop, order: SiteOrder, means: Means) -> None:
        self._loop, self._means = loop, means
        self.act, self.attempt = order.act, order.options.get("attempt", "")
        self._clock = means.clock
        self._lock = threading.Lock()
        self._order = order
        self._heard_at = self._clock.monotonic()
        self._facts: dict[str, str] = {"live": "freezing"}
        self.error: HoldfastError | None = None
        self.is_gone = False
        self._thread = threading.Thread(target=self._run, name=f"leave-{loop.uuid[:8]}")

    def start(self) -> None:
        self._thread.start()

    @property
    def is_at_work(self) -> bool:
        return self._thread.is_alive()

    def hear(self, order: SiteOrder) -> None:
        """The site wants it still."""
        with self._lock:
            self._order, self._heard_at = order, self._clock.monotonic()

    def let_go(self) -> None:
        """The site wants something else by now, and will not come back to this try."""
        with self._lock:
            self._heard_at = float("-inf")

    def facts(self) -> Mapping[str, str]:
        with self._lock:
            return dict(self._facts)

    # Of its own thread.

    def _run(self) -> None:
        try:
            self._leave()
        except HoldfastError as err:
            self.error = err
        except Exception as err:
            # Whatever it is, a person sees why, and the machine goes on.
            self.error = LiveFailed(about=self._loop.settings.name, reason=repr(err))
            raise
        finally:
            if not self.is_gone:
                self._means.clean()
            self._loop.tell_now()

    def _leave(self) -> None:
        domain = self._loop.find()
        require_movable(domain)
        job = self._loop.job(domain)
        with self._held(job) as found:
            note = planned_note(domain, act=self.act, attempt=self.attempt)
            write_live(self._means.folder, note)
            self._loop.on_step("leaving")
            frozen = freeze(job, found, self._means.folder, note=note)
            self._await_shipped(frozen.note)
            self._loop.on_step("delivered")
            live, kept = leaving_forms(domain)
            self._tell(
                live="frozen",
                generation=frozen.note.generation,
                definition=live,
                kept=kept,
                record=stored_form(domain, frozen.note.checkpoint),
                records=",".join(one.name for one in list_checkpoints(domain)),
                **_figures(frozen),
            )
            self._loop.tell_now()
            order = self._await_order(frozen.note)
            self._tell(live="migrating", definition="", kept="")
            self._migrate(domain, order, frozen.note)

    @contextlib.contextmanager
    def _held(self, job: SourceJob) -> Iterator[Held]:
        """A cycle or a backup that is under way ends first."""
        with contextlib.ExitStack() as taken:
            yield once_free(
                lambda: taken.enter_context(held(job)),
                self._clock,
                within=_HOLD_SECONDS,
                meanwhile=self._require_wanted,
            )

    def _await_shipped(self, note: LiveNote) -> None:
        """The loop sends it; all it needs is time."""
        self._loop.send_now()
        seconds = self._order.patience
        deadline = self._clock.monotonic() + seconds
        while True:
            sent = self._loop.sent()
            if sent.acked is not None and sent.acked.name == note.generation:
                return
            if self._clock.monotonic() > deadline:
                raise LiveNotShipped(about=self._loop.settings.name, seconds=int(seconds))
            self._require_wanted()
            self._clock.sleep(_PAUSE)

    def _await_order(self, note: LiveNote) -> SiteOrder:
        while True:
            with self._lock:
                order = self._order
            if order.options.get("phase") == MIGRATE:
                if order.options.get("generation") != note.generation:
                    raise LiveFailed(about=self._loop.settings.name, reason=note.generation)
                return order
            self._require_wanted()
            self._clock.sleep(_PAUSE)

    def _migrate(self, domain: Domain, order: SiteOrder, note: LiveNote) -> None:
        way = way_of(self.act, self.attempt)
        arrival = Arrival(
            live=order.options.get("definition", ""),
            kept=order.options.get("kept", ""),
            targets=tuple(note.overlays),
        )
        make_room(way)
        try:
            with (
                self._means.tunnels(self.act).open(_paths(way)) as tunnels,
                Watch(domain, self._clock, self._is_wanted) as watch,
            ):
                # While the guest still runs: only its next start here is barred.
                fence = fencing.bar(domain, self._clock, act=self.act, epoch=order.epoch)
                stats = self._migrated(domain, way, arrival)
                self._loop.on_step("migrated")
                self._means.keep(fence)
                self._gone(stats, tunnels, watch)
        finally:
            clear_room(way)

    def _migrated(self, domain: Domain, way: MigrationWay, arrival: Arrival) -> MigrationStats:
        self._loop.on_step("migrating")
        try:
            limit = self._means.limit()
            return migrate_paused(domain, way, arrival, bytes_per_second=limit)
        except (HostLost, HostUnreachable) as err:
            # The daemon here was ended: what became of it, the next one knows.
            if _has_left(domain, self._clock):
                return MigrationStats()
            raise LiveFailed(about=domain.name, reason=err) from err
        except HoldfastError as err:
            if _has_left(domain, self._clock):
                return MigrationStats()
            raise LiveFailed(about=domain.name, reason=err.fields.get("reason", err)) from err

    def _gone(self, stats: MigrationStats, tunnels: Tunnels, watch: Watch) -> None:
        carried = tunnels.carried()
        self.is_gone = True
        self._tell(
            live="gone",
            stood_ms=str(round(watch.stood_seconds() * 1000)),
            downtime_ms=str(stats.downtime_ms),
            memory_bytes=str(carried[DoorName.MEMORY]),
            disk_bytes=str(carried[DoorName.DISKS]),
            rpc_bytes=str(carried[DoorName.LIBVIRT]),
            migration_ms=str(stats.elapsed_ms),
        )
        self._loop.tell_now()
        self._loop.on_step("gone")

    def _tell(self, **facts: str) -> None:
        with self._lock:
            self._facts = {name: said for name, said in {**self._facts, **facts}.items() if said}

    def _is_wanted(self) -> bool:
        with self._lock:
            return self._clock.monotonic() - self._heard_at < _SILENCE_SECONDS

    def _require_wanted(self) -> None:
        if not self._is_wanted():
            raise LiveGivenUp(about=self._loop.settings.name)


def _has_left(domain: Domain, clock: Clock) -> bool:
    """Once the daemon answers: whether it is off here because it went away."""
    standing = patiently(domain.standing, clock)
    return standing.state is State.OFF and standing.reason == "migrated"


def _paths(way: MigrationWay) -> dict[DoorName, Path]:
    return {DoorName.LIBVIRT: way.libvirt, DoorName.MEMORY: way.memory, DoorName.DISKS: way.disks}


def _figures(frozen: Frozen) -> dict[str, str]:
    return {
        "pause_ms": str(round(frozen.pause_seconds * 1000)),
        "log_bytes": str(frozen.step.log.size),
    }
