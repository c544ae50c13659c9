"""What network cards of a host's machines can be connected to."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.hypervisor.connection import Host

_CARDS = "/sys/class/net"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNetworks:
    """libvirt's networks by name, with whether they are started; and bridges of the host."""

    networks: Mapping[str, bool] = field(default_factory=dict)
    bridges: tuple[str, ...] = ()


def networks_of(host: Host) -> HostNetworks:
    """Of a host that is this machine: its bridges are looked for here."""
    with host.asking() as connection:
        known = {one.name(): bool(one.isActive()) for one in connection.listAllNetworks()}
    return HostNetworks(networks=dict(sorted(known.items())), bridges=bridges_in(_CARDS))


def bridges_in(folder: str) -> tuple[str, ...]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ()
    return tuple(name for name in names if os.path.isdir(os.path.join(folder, name, "bridge")))
