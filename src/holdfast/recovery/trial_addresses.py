"""A test machine gets the addresses that are set for tests, before anything of it is looked at."""

import msgspec

from holdfast.base.texts import _
from holdfast.hypervisor.domains import Domain
from holdfast.machines.booting import wait_for_agent
from holdfast.recovery.address_errors import AddressesNotSet
from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.addressing import Addressing
from holdfast.recovery.promoting import Place, PromotionPlan
from holdfast.recovery.record import CardAddress, Promoted
from holdfast.recovery.trial import Trial


def with_addresses(
    place: Place,
    trial: Trial,
    plan: PromotionPlan,
    *,
    domain: Domain,
    rules: dict[str, AddressRule],
) -> Trial:
    """A machine none of whose lines leads anywhere needs none."""
    promoted = trial.promoted
    is_plugged = any(line.place is not None for line in plan.lines)
    if promoted is None or not rules or not is_plugged:
        return trial
    addressing = Addressing(
        domain=domain,
        clock=place.clock,
        about=trial.trial_name,
        names=(trial.name, trial.vm),
        rules=rules,
        lines=plan.lines,
    )
    if not wait_for_agent(domain, place.clock, within=trial.wish.within):
        if not addressing.is_for_it():
            return trial
        raise AddressesNotSet(about=trial.trial_name, reason=_("its guest agent does not answer"))
    told: list[Trial] = []
    addressing.set((), lambda found: told.append(_with(trial, promoted, found)))
    return told[-1]


def _with(trial: Trial, promoted: Promoted, addresses: tuple[CardAddress, ...]) -> Trial:
    now = msgspec.structs.replace(promoted, addresses=addresses)
    return msgspec.structs.replace(trial, promoted=now)
