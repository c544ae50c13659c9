"""What the network cards of a machine can be connected to on this host."""

import contextlib
import os

from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.xml_reading import read_xml
from holdfast.recovery.card_ports import Offer, bridge_offer, network_offer
from holdfast.recovery.networks import NetworksHere

_DEVICES = "/sys/class/net"


def networks_here(host: Host) -> NetworksHere:
    """Networks of libvirt's that are active, and bridges of the host that are not theirs."""
    networks, isolated, own = [], [], set()
    offers: dict[NetworkPlace, Offer] = {}
    with host.asking() as connection:
        libvirt = connection.getLibVersion()
        for network in connection.listAllNetworks():
            xml = network.XMLDesc(0)
            root = read_xml(xml, root="network", about=network.name())
            bridge = root.find("bridge")
            own.add("" if bridge is None else bridge.get("name", ""))
            if network.isActive():
                networks.append(network.name())
                place = NetworkPlace(name=network.name())
                offers[place] = network_offer(xml, libvirt=libvirt)
                if root.find("forward") is None:
                    isolated.append(network.name())
    devices = _devices()
    for name, is_kernels in devices.items():
        place = NetworkPlace(name=name, is_bridge=True)
        offers[place] = bridge_offer(is_kernels=is_kernels, libvirt=libvirt)
    bridges = (name for name, is_kernels in devices.items() if is_kernels and name not in own)
    return NetworksHere(
        networks=tuple(sorted(networks)),
        bridges=tuple(bridges),
        without_way_out=tuple(sorted(isolated)),
        offers=offers,
    )


def _devices() -> dict[str, bool]:
    """Those of this host, and whether each is a bridge of the kernel's."""
    with contextlib.suppress(OSError):
        return {
            name: os.path.isdir(os.path.join(_DEVICES, name, "bridge"))
            for name in sorted(os.listdir(_DEVICES))
        }
    return {}
