"""Use case "failover start": a machine is started where it runs, when nobody else would."""

from holdfast.app.recovery_acting import promotion_place
from holdfast.app.recovery_here import Here
from holdfast.app.replication_errors import ReplicationNotEnabled
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_by_uuid
from holdfast.machines.vm_lock import vm_lock
from holdfast.recovery.act_texts import act_text
from holdfast.recovery.desk import listening_since
from holdfast.recovery.fencing import is_fenced
from holdfast.recovery.keeping_up import MAY_GO_ON, start_again, why_not
from holdfast.recovery.record import Promoted, RecoveryRecord
from holdfast.recovery.source_errors import NotStartedByHand
from holdfast.recovery.source_side import this_boot
from holdfast.recovery.starting_by_hand import given_away, start_by_hand, take_by_force

_WORK = "failover start"


def start(here: Here, *, is_forced: bool) -> bool:
    """Whether it had to be started; refused while it may run at its site, unless by force."""
    settings, record = here.settings(), here.folder.load()
    if record is not None and record.promoted is not None:
        return _start_promoted(here, record, record.promoted, is_forced=is_forced)
    peer = settings.to if settings else record.peer if record else None
    if peer is None:
        raise ReplicationNotEnabled(about=here.name)
    uri = (settings.hypervisor if settings else "") or here.session.settings.libvirt
    with Host.open(uri) as host:
        return start_by_hand(
            here.folder,
            find_by_uuid(host, here.vm),
            here.clock,
            home=here.home,
            site_machine=peer.machine,
            boot=this_boot(),
            who=here.who,
            is_forced=is_forced,
        )


def _start_promoted(
    here: Here, record: RecoveryRecord, promoted: Promoted, *, is_forced: bool
) -> bool:
    """At the host it was failed over to."""
    if record.act is not None and record.act.kind not in MAY_GO_ON:
        # That one starts it, or is to end it.
        raise NotStartedByHand(about=here.name, reason=act_text(record.act.kind))
    reason = _why_not(here, record)
    with promotion_place(here) as place:
        domain = find_by_uuid(place.host, promoted.uuid)
        if domain.is_active():
            return False
        if reason and not is_forced:
            raise NotStartedByHand(about=here.name, reason=reason)
        if _has_gone(here, record) or is_fenced(domain):
            # The epoch stays: if it runs where it went as well, both say so.
            with vm_lock(here.home, domain.uuid, here.clock, name=domain.name, work=_WORK):
                take_by_force(
                    here.folder, domain, here.clock, who=here.who, runs_at=here.machine_id
                )
        start_again(
            here.folder, domain, here.clock, home=here.home, boot=this_boot(), why="by-hand"
        )
    return True


def _why_not(here: Here, record: RecoveryRecord) -> str:
    if _has_gone(here, record):
        return given_away(record)
    return why_not(here.folder, record, home=here.home, since=listening_since(here.home))


def _has_gone(here: Here, record: RecoveryRecord) -> bool:
    """On from here, by a greater epoch, or it is being handed over."""
    return record.is_barred or record.runs_at != here.machine_id
