"""What a network card had of its network, and what of that another network can keep. Pure.

VLAN tags, a profile of a virtual switch, a group of ports: each is something a network has to know
of. A network that does not would refuse the machine when it starts, or leave the card where nobody
expects it; so what it cannot keep is taken out, and told.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.base.texts import _
from holdfast.hypervisor.xml_reading import Element, drop, read_xml

_VLAN, _PROFILE, _PORT = "vlan", "virtualport", "port"
_SWITCH = "openvswitch"
_DIRECT = ("802.1Qbg", "802.1Qbh")
# Networks that give a card a device of the host's, or a part of one.
_DIRECT_MODES = ("private", "vepa", "passthrough")
_TAGGING_MODES = ("passthrough", "hostdev")
# Bridges of the kernel can tag from this release of libvirt on.
_TAGS_ON_BRIDGES = 11_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What cards may have that are connected to a network or a bridge of this host."""

    has_tags: bool = False
    profiles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    # Ports that do not see each other.
    has_isolation: bool = True


def bridge_offer(*, is_kernels: bool, libvirt: int) -> Offer:
    """One that is not the kernel's is a virtual switch."""
    if is_kernels:
        return Offer(has_tags=libvirt >= _TAGS_ON_BRIDGES)
    return Offer(has_tags=True, profiles=(_SWITCH,), has_isolation=False)


def network_offer(xml: str, *, libvirt: int) -> Offer:
    root = read_xml(xml, root="network", about="network")
    groups = tuple(each.get("name", "") for each in root.iterfind("portgroup"))
    forward, profile = root.find("forward"), root.find(_PROFILE)
    mode = "" if forward is None else forward.get("mode", "nat")
    own = () if profile is None else (profile.get("type", ""),)
    if own == (_SWITCH,):
        return Offer(has_tags=True, profiles=own, groups=groups, has_isolation=False)
    is_direct = mode in _DIRECT_MODES or (mode == "bridge" and root.find("bridge") is None)
    if is_direct or mode == "hostdev":
        profiles = (*own, *_DIRECT)
        tags = mode in _TAGGING_MODES
        return Offer(has_tags=tags, profiles=profiles, groups=groups, has_isolation=False)
    return Offer(has_tags=libvirt >= _TAGS_ON_BRIDGES, profiles=own, groups=groups)


def keep_what_fits(card: Element, offer: Offer) -> tuple[str, ...]:
    """Of a card that has its place already; what it loses by it, in words."""
    lost = tuple(_unfit(card, offer))
    for tag, _text in lost:
        drop(card, tag)
    return tuple(text for _tag, text in lost) + _without_group(card, offer)


def _unfit(card: Element, offer: Offer) -> Iterator[tuple[str, str]]:
    vlan, profile, port = (card.find(tag) for tag in (_VLAN, _PROFILE, _PORT))
    if vlan is not None and not offer.has_tags:
        tags = ", ".join(each.get("id", "") for each in vlan.iterfind("tag"))
        yield _VLAN, _("the VLAN tag {tags}").format(tags=tags)
    if profile is not None and profile.get("type", "") not in offer.profiles:
        yield _PROFILE, _("the port profile {name}").format(name=profile.get("type", "-"))
    if port is not None and port.get("isolated") == "yes" and not offer.has_isolation:
        yield _PORT, _("that it is isolated from other ports")


def _without_group(card: Element, offer: Offer) -> tuple[str, ...]:
    """A network without that group would connect it as one of no group, and say nothing."""
    source = card.find("source")
    group = "" if source is None else source.attrib.get("portgroup", "")
    if source is None or not group or group in offer.groups:
        return ()
    del source.attrib["portgroup"]
    return (_("the port group {name}").format(name=group),)
