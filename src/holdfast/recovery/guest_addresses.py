"""The addresses of a running guest, read and set through its agent with the guest's own `ip`.

What is set holds until the guest is started again: nothing in its files is changed, so at home it
has the address it always had.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_interface

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.agent_answers import Ended
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_programs import GuestPrograms
from holdfast.recovery.address_errors import AddressesNotSet
from holdfast.recovery.address_rules import GuestAddress, GuestCard
from holdfast.recovery.record import CardAddress

_SECONDS = 60.0
_NO_RESOLVER = 65
_HELD = re.compile(r"\d+:\s+([^\s@:]+)\S*\s+inet6?\s+([0-9a-fA-F.:]+(?:/\d+)?)\s(.*)")
_ROUTE = re.compile(r"default via (\S+) dev (\S+)")

LOOK = """
for card in /sys/class/net/*; do echo "card ${card##*/} $(cat $card/address 2>/dev/null)"; done
ip -o addr show || exit 1
ip -4 route show default
ip -6 route show default 2>/dev/null
exit 0
"""
# With the old one a kernel may drop the new one, where both are of one network: so it looks again.
_SET = """
device=$1 family=$2 new=$3 gateway=$4; shift 4
has() { ip -o "$family" addr show dev "$device" | grep -qF " $1 "; }
add() { has "$new" || ip "$family" addr add "$new" dev "$device" || exit 1; }
route() {
  [ -z "$gateway" ] || ip "$family" route replace default via "$gateway" dev "$device" || exit 1
}
ip link set "$device" up || exit 1
add; route
for old; do ! has "$old" || ip "$family" addr del "$old" dev "$device" || exit 1; done
add; route
exit 0
"""
# A resolver that knows what holds until the next start is told; else another file lies above the one
# that is read, until then.
_RESOLVE = f"""
device=$1; shift
if resolvectl status >/dev/null 2>&1; then resolvectl dns "$device" "$@"; exit; fi
file=$(readlink -f /etc/resolv.conf) && [ -e "$file" ] || exit {_NO_RESOLVER}
above=/run/holdfast/resolv.conf
mkdir -p /run/holdfast || exit 1
grep -v '^nameserver' "$file" >$above.new
for server; do echo "nameserver $server" >>$above.new; done
cat $above.new >$above && rm $above.new
grep -qF " $file " /proc/mounts || mount --bind $above "$file"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One that runs, and whose agent answers."""

    domain: Domain
    clock: Clock
    about: str

    def cards(self) -> tuple[GuestCard, ...]:
        return tuple(read_cards(self._ran(LOOK).out.decode(errors="replace")))

    def change(self, change: CardAddress) -> None:
        """Again is the same as once."""
        device = self._device(change)
        new = ip_interface(change.new)
        words = [device, f"-{new.version}", change.new, change.gateway, *change.old]
        self._did(_SET, *words)
        if change.dns:
            self._did(_RESOLVE, device, *change.dns)
        if not is_changed(self.cards(), change):
            raise self.error(_("{address} is not there").format(address=change.new))

    def error(self, reason: str) -> AddressesNotSet:
        return AddressesNotSet(about=self.about, reason=reason)

    def _device(self, change: CardAddress) -> str:
        """The one that has the address now; else the first of that card."""
        cards = [card for card in self.cards() if card.mac == change.mac]
        if not cards:
            raise self.error(_("it has no network card {mac}").format(mac=change.mac))
        known = {*change.old, change.new}
        having = [card for card in cards if known & {str(each.held) for each in card.addresses}]
        return (having or cards)[0].device

    def _did(self, script: str, *words: str) -> None:
        ended = self._ran(script, *words)
        if ended.status == _NO_RESOLVER:
            raise self.error(_("it has no /etc/resolv.conf"))
        if ended.status:
            raise self.error(_said(ended))

    def _ran(self, script: str, *words: str) -> Ended:
        programs = GuestPrograms(GuestAgent(self.domain), self.clock, about=self.about)
        try:
            ended = programs.run(["/bin/sh", "-c", script, "holdfast", *words], within=_SECONDS)
        except HoldfastError as err:
            raise self.error(str(err)) from err
        if script is LOOK and ended.status:
            raise self.error(_said(ended))
        return ended


def is_changed(cards: Sequence[GuestCard], change: CardAddress) -> bool:
    held = {str(each.held) for card in cards if card.mac == change.mac for each in card.addresses}
    return change.new in held and not held & set(change.old)


def read_cards(said: str) -> Iterator[GuestCard]:
    """As the script tells it; addresses that nobody else can reach are none."""
    lines = said.splitlines()
    held = [found for line in lines if (found := _HELD.match(line))]
    routes = [found for line in lines if (found := _ROUTE.match(line))]
    for line in lines:
        word, _space, rest = line.partition(" ")
        device, _space, mac = rest.partition(" ")
        if word != "card" or not mac:
            continue
        addresses = (_address(each[2], each[3]) for each in held if each[1] == device)
        yield GuestCard(
            device=device,
            mac=mac.strip().lower(),
            addresses=tuple(each for each in addresses if _is_reachable(each)),
            gateways=tuple(each[1] for each in routes if each[2] == device),
        )


def _address(text: str, rest: str) -> GuestAddress:
    return GuestAddress(held=ip_interface(text), is_lent="dynamic" in rest.split())


def _is_reachable(address: GuestAddress) -> bool:
    return not (address.held.is_loopback or address.held.is_link_local)


def _said(ended: Ended) -> str:
    words = (ended.err or ended.out).decode(errors="replace").strip().splitlines()
    return words[-1] if words else _("status {status}").format(status=ended.status)
