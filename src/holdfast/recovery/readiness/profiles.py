"""How a guest sets up its network cards, read from the files of five programs. Pure.

What does not read is not told: a card that nothing is found for is judged as such.
"""

import re
from collections.abc import Iterator, Mapping

from holdfast.recovery.readiness.facts import Method, Profile

_YES = frozenset(("yes", "true", "1", "on"))
_DHCP = _YES | {"ipv4", "ipv6", "both"}
_KINDS = ("ethernets", "bonds", "bridges", "vlans", "wifis")
_SECTION = re.compile(r"\[(.*)\]")
_SETTING = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=\s*(.*?)\s*$")
_UDEV = re.compile(r"NAME=\"([^\"]+)\"")
Settings = dict[str, str]


def read_profiles(parts: Mapping[str, str]) -> Iterator[Profile]:
    for name, text in parts.items():
        kind, _space, file = name.partition(" ")
        match kind:
            case "netplan":
                yield from _netplan(file, text)
            case "interfaces":
                yield from _interfaces(text)
            case "networkd" if file.endswith(".network"):
                yield _networkd(file, _sections(text))
            case "keyfile":
                yield _keyfile(file, _sections(text))
            case "ifcfg":
                yield _ifcfg(file, _settings(text))
            case _:
                pass


def named_by_mac(parts: Mapping[str, str]) -> Iterator[str]:
    """Cards whose name hangs upon their address, by a rule of udev's or a link file."""
    for name, text in parts.items():
        if name == "udev":
            yield from _UDEV.findall(text)
        elif name.startswith("networkd ") and name.endswith(".link"):
            found = _sections(text)
            if _mac_of(found.get("Match", {})) and (named := found.get("Link", {}).get("Name")):
                yield named


def _netplan(file: str, text: str) -> Iterator[Profile]:
    import yaml

    try:
        read = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    network = _below(read, "network")
    for kind in _KINDS:
        for name, card in _below(network, kind).items():
            if isinstance(card, dict):
                yield _netplan_card(file, str(name), card)


def _netplan_card(file: str, name: str, card: Mapping[object, object]) -> Profile:
    match = _below(card, "match")
    mac = str(match.get("macaddress", "")).lower()
    lent = any(_is_on(card.get(each)) for each in ("dhcp4", "dhcp6"))
    method = Method.DHCP if lent else Method.STATIC if card.get("addresses") else Method.OTHER
    # With a match its name is only what the file calls it.
    device = str(match.get("name", "")) if match else name
    return Profile(file=file, device=device, mac=mac, method=method)


def _below(value: object, key: str) -> dict[object, object]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _is_on(value: object) -> bool:
    return value is True or str(value).lower() in _YES


def _interfaces(text: str) -> Iterator[Profile]:
    words = [line.split() for line in text.splitlines() if line.strip()]
    at_boot = {
        card for one in words if one[0] == "auto" or one[0].startswith("allow-") for card in one[1:]
    }
    methods = {"dhcp": Method.DHCP, "static": Method.STATIC}
    for one in words:
        if one[0] != "iface" or len(one) < 4 or one[1] == "lo":  # noqa: PLR2004
            continue
        method = methods.get(one[3], Method.OTHER)
        yield Profile(
            file="/etc/network/interfaces", device=one[1], method=method, at_boot=one[1] in at_boot
        )


def _networkd(file: str, found: Mapping[str, Settings]) -> Profile:
    match, network = found.get("Match", {}), found.get("Network", {})
    lent = network.get("DHCP", "").lower() in _DHCP
    fixed = "Address" in network or "Address" in found.get("Address", {})
    method = Method.DHCP if lent else Method.STATIC if fixed else Method.OTHER
    return Profile(file=file, device=match.get("Name", ""), mac=_mac_of(match), method=method)


def _mac_of(match: Settings) -> str:
    return (match.get("MACAddress") or match.get("PermanentMACAddress") or "").lower()


def _keyfile(file: str, found: Mapping[str, Settings]) -> Profile:
    connection, card = found.get("connection", {}), found.get("ethernet", {})
    methods = {"auto": Method.DHCP, "manual": Method.STATIC}
    return Profile(
        file=file,
        device=connection.get("interface-name", ""),
        mac=card.get("mac-address", "").lower(),
        method=methods.get(found.get("ipv4", {}).get("method", ""), Method.OTHER),
        at_boot=connection.get("autoconnect", "true").lower() in _YES,
    )


def _ifcfg(file: str, found: Settings) -> Profile:
    fixed = any(name.startswith("IPADDR") for name in found)
    lent = found.get("BOOTPROTO", "").lower() == "dhcp"
    return Profile(
        file=file,
        device=found.get("DEVICE", ""),
        mac=found.get("HWADDR", "").lower(),
        method=Method.DHCP if lent else Method.STATIC if fixed else Method.OTHER,
        at_boot=found.get("ONBOOT", "yes").lower() in _YES,
    )


def _sections(text: str) -> dict[str, Settings]:
    """The first of several values of a name counts; so does the first of several sections."""
    found: dict[str, Settings] = {}
    section = ""
    for line in text.splitlines():
        if head := _SECTION.match(line):
            section = head[1]
        elif setting := _SETTING.match(line):
            found.setdefault(section, {}).setdefault(setting[1], setting[2])
    return found


def _settings(text: str) -> Settings:
    read = (_SETTING.match(line) for line in text.splitlines())
    return {one[1].upper(): one[2].strip("'\"") for one in read if one}
