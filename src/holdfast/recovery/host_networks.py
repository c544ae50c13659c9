"""What the network cards of a machine can be connected to on this host."""

import contextlib
import os
from collections.abc import Sequence

from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.xml_reading import read_xml
from holdfast.recovery.networks import NetworksHere

_DEVICES = "/sys/class/net"


def networks_here(host: Host) -> NetworksHere:
    """Networks of libvirt's that are active, and bridges of the host that are not theirs."""
    networks, isolated, own = [], [], set()
    with host.asking() as connection:
        for network in connection.listAllNetworks():
            root = read_xml(network.XMLDesc(0), root="network", about=network.name())
            bridge = root.find("bridge")
            own.add("" if bridge is None else bridge.get("name", ""))
            if network.isActive():
                networks.append(network.name())
                if root.find("forward") is None:
                    isolated.append(network.name())
    bridges = tuple(name for name in _bridges() if name not in own)
    return NetworksHere(
        networks=tuple(sorted(networks)), bridges=bridges, without_way_out=tuple(sorted(isolated))
    )


def _bridges() -> Sequence[str]:
    found = []
    with contextlib.suppress(OSError):
        found = [
            name
            for name in sorted(os.listdir(_DEVICES))
            if os.path.isdir(os.path.join(_DEVICES, name, "bridge"))
        ]
    return found
