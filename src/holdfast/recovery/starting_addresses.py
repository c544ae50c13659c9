"""The step by which a machine that was started here gets the addresses of this site."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.recovery.act_errors import MachineEnded
from holdfast.recovery.acts import Step, StepSkipped
from holdfast.recovery.address_errors import AddressesNotSet
from holdfast.recovery.addressing import Addressing
from holdfast.recovery.promoting import domain_of
from holdfast.recovery.record import CardAddress, Promoted, RecoveryRecord

if TYPE_CHECKING:
    from holdfast.recovery.starting import Starting

_AGENT_SECONDS = 2.0


def address_steps(starting: "Starting") -> Sequence[Step]:
    """None where nothing is set for this site."""
    promoted = starting.record().promoted
    has_been_set = promoted is not None and bool(promoted.addresses)
    if not has_been_set and not starting.rules():
        return ()
    return (Step(name="addresses", do=lambda: _set(starting)),)


def answers(domain: Domain) -> bool:
    """Whether its guest agent does, now."""
    try:
        if not domain.spec().is_agent_connected:
            return False
        GuestAgent(domain).ping(within=_AGENT_SECONDS)
    except HoldfastError:
        return False
    return True


def _set(starting: "Starting") -> str:
    promoted = starting.record().promoted
    domain = domain_of(starting.place, promoted) if promoted else None
    if promoted is None or domain is None or not domain.is_active():
        raise MachineEnded(about=starting.name)
    rules = starting.rules()
    if not rules:
        _keep(starting, ())
        raise StepSkipped(_("nothing is set for this site any more"))
    addressing = Addressing(
        domain=domain,
        clock=starting.clock,
        about=promoted.name,
        names=tuple(dict.fromkeys((starting.name, promoted.name, starting.vm))),
        rules=rules,
        lines=starting.plan().lines,
    )
    if not answers(domain):
        return _unanswered(starting, addressing)
    return addressing.set(promoted.addresses, lambda found: _keep(starting, found))


def _unanswered(starting: "Starting", addressing: Addressing) -> str:
    """Of a rule for a network nobody can say whether it is for this machine."""
    reason = _("its guest agent does not answer")
    if addressing.is_for_it():
        raise AddressesNotSet(about=starting.name, reason=reason)
    said = _("whether it has addresses of this site is not known: {reason}").format(reason=reason)
    starting.warnings.append(said)
    raise StepSkipped(said)


def _keep(starting: "Starting", addresses: tuple[CardAddress, ...]) -> None:
    """Before the first of them is set: whoever goes on knows what there was."""

    def kept(record: RecoveryRecord) -> RecoveryRecord:
        promoted: Promoted | None = record.promoted
        if promoted is None:
            return record
        now = msgspec.structs.replace(promoted, addresses=addresses)
        return msgspec.structs.replace(record, promoted=now)

    starting.folder.change(kept)
