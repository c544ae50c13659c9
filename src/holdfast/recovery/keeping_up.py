"""A machine that was failed over to this host starts with it again, and has its addresses here.

Nobody else starts it: libvirt would ask nobody where it may run. It is started when nothing that
this host knows or hears speaks against it. One that is protected in reverse is started by whoever
asks its home, which may have taken it back; see source_side.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.domains import Domain
from holdfast.machines.vm_lock import vm_lock
from holdfast.recovery.acts import at_work
from holdfast.recovery.addressing import put_again
from holdfast.recovery.desk import listening_since, tidings_of
from holdfast.recovery.guest_addresses import Guest
from holdfast.recovery.promoting import Place, domain_of
from holdfast.recovery.record import ActKind, Promoted, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder, known_here, with_event
from holdfast.recovery.standing_alone import mend_before_start
from holdfast.recovery.starting_addresses import answers
from holdfast.recovery.up_errors import NotStartedWithHost
from holdfast.recovery.up_note import UpNote, drop_up_note, keep_up_note, mark_up, up_note
from holdfast.replication.resync import Because
from holdfast.replication.source_folder import SourceFolder

# A source that lives says within seconds whether the machine runs there.
LISTEN_FIRST = timedelta(seconds=20)
_ADDRESSES_EVERY = 60.0
MAY_GO_ON = (ActKind.REPROTECT, ActKind.COMMIT)
_STANDS_HERE = frozenset(
    {
        Stage.FAILED_OVER,
        Stage.COMMITTED,
        Stage.REPROTECTING,
        Stage.PROTECTED_IN_REVERSE,
        Stage.MIGRATED,
    }
)

Warn = Callable[[str, HoldfastError], None]


@dataclass(slots=True, kw_only=True)
class KeepingUp:
    """`boot` names this start of the host; `home` is Holdfast's, `machine_id` this host's own."""

    home: str
    machine_id: str
    boot: str
    warn: Warn
    listen_first: timedelta = LISTEN_FIRST
    _addressed: dict[str, float] = field(init=False, default_factory=dict)

    def wanted(self) -> list[RecordFolder]:
        """Those there is something to look after; none: the hypervisor need not be asked."""
        folders = [RecordFolder(self.home, vm) for vm in known_here(self.home)]
        return [folder for folder in folders if self._is_ours(folder)]

    def look_after(self, folder: RecordFolder, place: Place) -> None:
        """What keeps it from being started is told, and tried again when this is called again."""
        record = folder.load()
        promoted = record.promoted if record else None
        if record is None or promoted is None:
            return
        try:
            domain = domain_of(place, promoted)
            if domain is None:
                # Somebody has moved it or its disks.
                return
            if domain.is_active():
                mark_up(folder.path, self.boot, place.clock)
                self._address(domain, promoted, place.clock)
            else:
                self._addressed.pop(domain.uuid, None)
                self._start(folder, record, domain, place.clock)
        except HoldfastError as err:
            self.warn(folder.vm, err)

    def _is_ours(self, folder: RecordFolder) -> bool:
        record = folder.load()
        is_ours = record is not None and stands_here(record, self.machine_id)
        if not is_ours:
            drop_up_note(folder.path)
        return is_ours

    def _start(
        self, folder: RecordFolder, record: RecoveryRecord, domain: Domain, clock: Clock
    ) -> None:
        note = up_note(folder.path)
        if note is None or not note.is_to_start(self.boot):
            self._saw_off(folder, note, clock)
            return
        since = listening_since(self.home)
        if since is None or clock.now() - since < self.listen_first:
            return
        reason = why_not(folder, record, home=self.home, since=since)
        keep_up_note(folder.path, msgspec.structs.replace(note, why=reason))
        if reason:
            raise NotStartedWithHost(about=record.name, reason=reason)
        start_again(folder, domain, clock, home=self.home, boot=self.boot, why="host-started")

    def _saw_off(self, folder: RecordFolder, note: UpNote | None, clock: Clock) -> None:
        """Somebody has shut it down, a while ago or in this start of the host."""
        ran_at = note.ran_at if note is not None and note.boot == self.boot else None
        seen = UpNote(boot=self.boot, looked_at=clock.now(), ran_at=ran_at)
        keep_up_note(folder.path, seen)

    def _address(self, domain: Domain, promoted: Promoted, clock: Clock) -> None:
        """After a start that was not ours, the guest has what its files say."""
        now = clock.monotonic()
        last = self._addressed.get(domain.uuid, float("-inf"))
        if not promoted.addresses or now - last < _ADDRESSES_EVERY or not answers(domain):
            return
        put_again(Guest(domain=domain, clock=clock, about=promoted.name), promoted.addresses)
        self._addressed[domain.uuid] = now


def stands_here(record: RecoveryRecord, machine_id: str) -> bool:
    """It was failed over to this host, and nothing is under way that would start or end it."""
    is_free = record.act is None or record.act.kind in MAY_GO_ON
    is_here = record.promoted is not None and not record.is_barred
    return is_free and is_here and record.runs_at == machine_id and record.stage in _STANDS_HERE


def why_not(
    folder: RecordFolder, record: RecoveryRecord, *, home: str, since: datetime | None
) -> str:
    """What this host knows against starting it, in words; empty: nothing."""
    if _is_asked_for(folder, record, home):
        return _("its home has not answered since this host was started")
    heard = tidings_of(home, folder.vm)
    if heard is None:
        return ""
    if heard.tidings.epoch > record.epoch:
        text = _("its own host lives by epoch {theirs}, and this one by epoch {ours} only")
        return text.format(theirs=heard.tidings.epoch, ours=record.epoch)
    if heard.tidings.is_active and since is not None and heard.at >= since:
        return _("it runs at its own host")
    return ""


def start_again(
    folder: RecordFolder, domain: Domain, clock: Clock, *, home: str, boot: str, why: str
) -> None:
    """No act is begun meanwhile, and none that has begun is disturbed."""
    with (
        at_work(folder, clock, about=domain.name, work=_("start")),
        vm_lock(home, domain.uuid, clock, name=domain.name, work="failover start"),
    ):
        if not domain.is_active():
            mend_before_start(domain, clock)
            domain.start()
    folder.change(lambda record: with_event(record, clock, "started", why=why))
    mark_up(folder.path, boot, clock)


def _is_asked_for(folder: RecordFolder, record: RecoveryRecord, home: str) -> bool:
    """Whether it is replicated from here by now: then its site is asked before it is started."""
    if record.stage is Stage.PROTECTED_IN_REVERSE:
        return True
    source = SourceFolder(home, folder.vm)
    if source.settings() is None:
        return False
    # What was shipped from here before it came is the beginning of nothing, and nobody is asked.
    sent = source.sent()
    is_over = sent is None or sent.must_walk == Because.REPROTECT
    return record.stage is Stage.REPROTECTING or not is_over
