"""What a guest answered, as facts; whatever it said, what does not read is not known. Pure."""

import re
from collections.abc import Iterator, Mapping

from holdfast.hypervisor.guest_looking import Looked, Way
from holdfast.recovery.guest_addresses import read_cards
from holdfast.recovery.readiness.facts import (
    Firewall,
    GuestFacts,
    Kernel,
    Mount,
    Network,
    Started,
)
from holdfast.recovery.readiness.profiles import named_by_mac, read_profiles

_LOADER = re.compile(r"\s*(?:linux(?:efi|16)?|options|append|kernelopts=|root=)", re.IGNORECASE)
_ALLOWED = re.compile(r"^### tuple ### (?:allow|limit) \S+ (\S+)", re.MULTILINE)
_MODULES = "modules "
_WANTED = "wanted "
_FIELDS = 2
_FIREWALLD = "firewalld.service"
_WITH_OWN_RULES = ("nftables.service", "iptables.service")
# Those of which it is asked whether they are started.
FIREWALLS = (_FIREWALLD, *_WITH_OWN_RULES)
_EAGER = "NetworkManager"


def read_facts(looked: Looked) -> GuestFacts:
    parts = looked.parts
    is_program = looked.way is Way.PROGRAM
    started = _started(parts) if is_program else _wanted(parts)
    return GuestFacts(
        cmdline=parts.get("cmdline"),
        loader=tuple(_loader(parts)),
        mounts=tuple(_mounts(parts)) if "fstab" in parts else None,
        running=parts.get("running", "").strip(),
        loaded=_words(parts, "loaded") if "loaded" in parts else None,
        kernels=tuple(_kernels(parts)),
        network=_network(parts) if "cards" in parts else None,
        started=started,
        firewall=_firewall(parts, started) if is_program else None,
    )


def _loader(parts: Mapping[str, str]) -> Iterator[str]:
    for name in ("loader", "grub", "grub2"):
        for line in parts.get(name, "").splitlines():
            if _LOADER.match(line):
                yield line.strip()


def _mounts(parts: Mapping[str, str]) -> Iterator[Mount]:
    for fields in _lines(parts.get("fstab", "")):
        if len(fields) > _FIELDS:
            what, where, kind, options = (*fields[:4], "")[:4]
            yield Mount(
                what=what.strip('"'), where=where, kind=kind, options=frozenset(options.split(","))
            )
    for fields in _lines(parts.get("crypttab", "")):
        if len(fields) >= _FIELDS:
            options = fields[2] if len(fields) > _FIELDS else ""
            name, what = fields[:2]
            yield Mount(what=what, where=name, kind="crypt", options=frozenset(options.split(",")))


def _lines(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        fields = line.split()
        if fields and not fields[0].startswith("#"):
            yield fields


def _kernels(parts: Mapping[str, str]) -> Iterator[Kernel]:
    for name, text in parts.items():
        if name.startswith(_MODULES):
            found = [line.split() for line in text.splitlines()]
            flags = {one[0] for one in found if len(one) == 1}
            yield Kernel(
                release=name.removeprefix(_MODULES),
                builtin=_of(found, "builtin"),
                files=_of(found, "file"),
                initramfs=_of(found, "initramfs") if "listed" in flags else None,
                has_initramfs="image" in flags,
            )


def _of(found: list[list[str]], kind: str) -> frozenset[str]:
    return frozenset(one[1] for one in found if len(one) == _FIELDS and one[0] == kind)


def _network(parts: Mapping[str, str]) -> Network:
    return Network(
        cards=tuple(read_cards(parts["cards"])),
        physical=_words(parts, "physical"),
        profiles=tuple(read_profiles(parts)),
        is_eager=_EAGER in _words(parts, "runs"),
        named_by_mac=frozenset(named_by_mac(parts)),
    )


def _words(parts: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(parts.get(name, "").split())


def _started(parts: Mapping[str, str]) -> Started:
    pairs = (line.split() for line in parts.get("units", "").splitlines())
    return Started(
        units={one[0]: one[1] for one in pairs if len(one) == _FIELDS},
        links=_words(parts, "links"),
        runs=_words(parts, "runs"),
        has=_words(parts, "has"),
    )


def _wanted(parts: Mapping[str, str]) -> Started | None:
    """Where only files could be read: a unit that is wanted by the start is there; else who knows."""
    wanted = (name.removeprefix(_WANTED) for name in parts if name.startswith(_WANTED))
    units = dict.fromkeys(wanted, "enabled")
    return Started(units=units) if units else None


def _firewall(parts: Mapping[str, str], started: Started | None) -> Firewall | None:
    """As far as it concerns SSH; None: no program for it is started."""
    units = started.units if started else {}
    ports = {"22"} if not parts.get("ports", "").split() else _ports(parts["ports"])
    if units.get(_FIREWALLD) == "enabled":
        rules = parts.get("firewalld", "")
        names = {f'"{port}"' for port in ports} | ({'"ssh"'} if "22" in ports else set())
        return Firewall.OPEN if any(name in rules for name in names) else Firewall.CLOSED
    if "ENABLED=yes" in parts.get("ufw", ""):
        return Firewall.OPEN if _lets_in(parts["ufw"], ports) else Firewall.CLOSED
    has_own = any(units.get(one) == "enabled" for one in _WITH_OWN_RULES)
    return Firewall.OWN if has_own else None


def _ports(text: str) -> set[str]:
    return {one[1] for line in text.splitlines() if len(one := line.split()) == _FIELDS}


def _lets_in(rules: str, ports: set[str]) -> bool:
    """`### tuple ### allow tcp 22 …`, of ufw's own notes beside its rules."""
    allowed = _ALLOWED.findall(rules)
    return any(one == "any" or ports & set(re.split(r"[,:]", one)) for one in allowed)
