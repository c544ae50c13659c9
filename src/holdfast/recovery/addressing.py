"""A machine that was started here gets the addresses it is to have here, once its guest answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.hypervisor.domains import Domain
from holdfast.recovery.address_errors import AddressesNeedAgent
from holdfast.recovery.address_rules import (
    AddressRule,
    Chosen,
    GuestCard,
    Plugged,
    choose_addresses,
    rules_of,
)
from holdfast.recovery.guest_addresses import Guest, is_changed
from holdfast.recovery.networks import Line
from holdfast.recovery.record import CardAddress

# A guest whose agent answers may still be busy with its network.
_SETTLE_SECONDS = 30.0
_PAUSE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """`lines` are those of its cards, in their order; `names` what it goes by, its UUID too."""

    domain: Domain
    clock: Clock
    about: str
    names: Sequence[str]
    rules: Mapping[str, AddressRule]
    lines: Sequence[Line]
    settle_seconds: float = _SETTLE_SECONDS

    def set(
        self, known: Sequence[CardAddress], keep: Callable[[tuple[CardAddress, ...]], None]
    ) -> str:
        """What was done, for people. `known` was to be done by a run before; `keep` is durable."""
        guest = Guest(domain=self.domain, clock=self.clock, about=self.about)
        chosen = self._chosen(guest)
        wanted = _merged(known, chosen.changes)
        keep(wanted)
        for change in wanted:
            guest.change(change)
        return told(wanted, chosen.lent)

    def is_for_it(self) -> bool:
        """Whether a rule names the machine itself."""
        return bool(rules_of(self.rules, self.names))

    def _chosen(self, guest: Guest) -> Chosen:
        plugged = self._plugged()
        deadline = self.clock.monotonic() + self.settle_seconds
        while True:
            cards = guest.cards()
            is_late = self.clock.monotonic() >= deadline
            if is_late or _have_addresses(plugged, cards):
                return choose_addresses(plugged, cards, self.rules, names=self.names)
            self.clock.sleep(_PAUSE)

    def _plugged(self) -> tuple[Plugged, ...]:
        nics = self.domain.spec().nics
        return tuple(
            Plugged(mac=(nic.mac or "").lower(), old_mac=line.mac, old_network=line.old)
            for nic, line in zip(nics, self.lines, strict=True)
            if nic.is_link_up
        )


def require_agent(
    rules: Mapping[str, AddressRule], *, names: Sequence[str], about: str, has_channel: bool
) -> None:
    """Of a rule for the machine itself; whether one for a network is for it nobody knows yet."""
    own = rules_of(rules, names)
    if has_channel or not own:
        return
    card = next(iter(own))
    rule = next(key for key in rules if key in {f"{name}/{card}" for name in names})
    raise AddressesNeedAgent(about=about, rule=rule)


def told(changes: Sequence[CardAddress], lent: Sequence[str]) -> str:
    said = [_change_text(change) for change in changes]
    if lent:
        said.append(_("by DHCP, as ever: {addresses}").format(addresses=", ".join(lent)))
    return "; ".join(said) or _("no rule is for what it has")


def put_again(guest: Guest, changes: Sequence[CardAddress]) -> bool:
    """After a start that was not ours the old ones hold; whether anything was to be done."""
    cards = guest.cards()
    undone = [change for change in changes if not is_changed(cards, change)]
    for change in undone:
        guest.change(change)
    return bool(undone)


def _change_text(change: CardAddress) -> str:
    old = ", ".join(change.old) or "-"
    gateway = _(", gateway {address}").format(address=change.gateway) if change.gateway else ""
    return f"{old} → {change.new}{gateway}"


def _merged(known: Sequence[CardAddress], chosen: Sequence[CardAddress]) -> tuple[CardAddress, ...]:
    """What a run before has set already is not seen to be old any more."""
    fresh = {(change.mac, change.new): change for change in chosen}
    for change in known:
        again = fresh.get((change.mac, change.new), change)
        olds = tuple(dict.fromkeys((*change.old, *again.old)))
        fresh[change.mac, change.new] = CardAddress(
            mac=change.mac, old=olds, new=change.new, gateway=again.gateway, dns=again.dns
        )
    return tuple(fresh.values())


def _have_addresses(plugged: Sequence[Plugged], cards: Sequence[GuestCard]) -> bool:
    having = {card.mac for card in cards if card.addresses}
    return all(each.mac in having for each in plugged)
