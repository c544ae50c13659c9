"""What a guest's agent tells of its network: its addresses, and what listens inside it."""

import contextlib
from ipaddress import ip_address

from msgspec import Struct, field

from holdfast.hypervisor.errors import GuestFileUnavailable
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_files import GuestFiles

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
# As the kernel prints it.
_LISTENS = "0A"
_MOST = 4 << 20


class _Address(Struct):
    address: str = field(name="ip-address")


class _Card(Struct):
    name: str
    addresses: list[_Address] = field(name="ip-addresses", default_factory=list)


def addresses_of(agent: GuestAgent) -> list[str]:
    """Those another host could reach, IPv4 first."""
    cards = agent.ask("guest-network-get-interfaces", list[_Card])
    found = [ip_address(each.address) for card in cards for each in card.addresses]
    useful = [each for each in found if not each.is_loopback and not each.is_link_local]
    return [str(each) for each in sorted(useful, key=lambda each: each.version)]


def listening_ports(agent: GuestAgent, *, about: str) -> frozenset[int]:
    """Of a Linux guest, without any program in it."""
    files = GuestFiles(agent, about=about)
    found: set[int] = set()
    for path in _TABLES:
        # A guest without IPv6 has no table of it.
        with contextlib.suppress(GuestFileUnavailable):
            found.update(_listening(files.read(path, at_most=_MOST).decode(errors="replace")))
    return frozenset(found)


def _listening(table: str) -> list[int]:
    """`sl local_address rem_address st …`, the address as HEX:PORT."""
    rows = (line.split()[1:4] for line in table.splitlines()[1:])
    return [int(row[0].rpartition(":")[2], 16) for row in rows if row and row[-1] == _LISTENS]
