"""Addresses of webhooks: what is one, how one is shown, and where no server is sent. Pure."""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

Network = IPv4Network | IPv6Network
_PORTS = {"http": 80, "https": 443}
# Where clouds tell a machine its own secrets, as far as no general rule has them.
_METADATA = tuple(map(ip_network, ("fd00:ec2::/32", "100.100.100.200/32", "168.63.129.16/32")))


def is_web_address(address: str) -> bool:
    return _parts(address) is not None


def shown_address(address: str) -> str:
    """Whom it goes to; names, passwords, paths and questions may be secrets."""
    parts = _parts(address)
    if parts is None:
        return "?"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{port_of(address)}"


def host_of(address: str) -> str:
    parts = _parts(address)
    return (parts.hostname or "") if parts else ""


def port_of(address: str) -> int:
    parts = _parts(address)
    return (parts.port or _PORTS[parts.scheme]) if parts else 0


def is_secret_there(address: str) -> bool:
    """Whether nobody on the way can read what is sent."""
    return address.startswith("https://")


def is_refused(found: str, permitted: Sequence[Network]) -> bool:
    """Of an address a name led to: the server itself, its neighbours on the line, their secrets."""
    address: IPv4Address | IPv6Address = ip_address(found.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in permitted):
        return False
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or any(address in network for network in _METADATA)
    )


def _parts(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if is_whole and address.isprintable() and " " not in address else None
