"""Listings of ESXi and vCenter: products, licences, datastores, rights; a guest's addresses."""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Package
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.linux_lines import Line, matches
from holdfast.doctor.readers.powershell_output import lists, tables
from holdfast.doctor.readers.short_lines import rows_of, short_lines
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.vmware_facts import Datastore, Hypervisor, Licence, LinuxAddress, Permission

_ABOUT = re.compile(
    r"^[ \t]*(?:FullName|Name|Product)\s*:\s*(?P<product>VMware (?:ESXi?|Workstation|Server|Player|Fusion|vCenter Server)[A-Za-z ]*?)\s*(?P<version>\d+(?:\.\d+)+)?(?:\s.*)?$"
)
_VERSION = re.compile(
    r"^[ \t]*(?P<product>VMware (?:ESXi?|Workstation(?: Pro| Player)?|Server|Player|Fusion))\s+(?P<version>\d+(?:\.\d+)+)\b.*$"
)
_HYPERV = re.compile(
    r"^[ \t]*(?:Name|Product|Hypervisor)\s*:\s*(?P<product>Microsoft Hyper-V[\w ]*?)\s*(?P<version>\d+(?:\.\d+)+)?\s*$"
)


def _is_product(head: str, _file: str) -> bool:
    return any(one.match(row) for row in rows_of(head) for one in (_ABOUT, _VERSION, _HYPERV))


@reader("vmware.hypervisor", accepts=_is_product)
def read_hypervisor(artefact: Artefact) -> Iterator[Hypervisor]:
    for line in short_lines(artefact):
        for pattern in (_ABOUT, _VERSION, _HYPERV):
            if found := pattern.match(line.text):
                version = found["version"] or ""
                yield Hypervisor(span=line.span, product=found["product"].strip(), version=version)
                break


_MODEL_KEY = re.compile(r"^[ \t]*vmodl key\s*:\s*(?P<edition>[\w.-]+)", re.IGNORECASE)
_NAME = re.compile(r"^[ \t]*name\s*:\s*(?P<name>\S.*?)\s*$", re.IGNORECASE)
_KEY_ROW = re.compile(
    r"^[ \t]*(?P<serial>[0-9A-Z]{5}(?:-[0-9A-Z]{5}){4})\s+(?P<edition>[A-Za-z][\w.-]*)(?:\s+(?P<rest>.*?))?\s*$"
)


def _is_licence(head: str, _file: str) -> bool:
    return any(_MODEL_KEY.match(row) or _KEY_ROW.match(row) for row in rows_of(head))


@reader("vmware.licence", accepts=_is_licence)
def read_licences(artefact: Artefact) -> Iterator[Licence]:
    """`vim-cmd vimsvc/license --show` and `govc license.ls`; the serial is left out."""
    lines = short_lines(artefact)
    for at, line in enumerate(lines):
        if found := _MODEL_KEY.match(line.text):
            name = next((n for one in lines[at + 1 : at + 4] if (n := _NAME.match(one.text))), None)
            yield Licence(
                span=line.span, edition=found["edition"], name=name["name"] if name else ""
            )
        elif found := _KEY_ROW.match(line.text):
            yield Licence(span=line.span, edition=found["edition"], name=found["rest"] or "")


_FILESYSTEM = re.compile(
    r"^[ \t]*(?P<mount>/vmfs/volumes/\S+|-{0,3})\s*(?P<name>\S.*?)?\s+(?P<uuid>[0-9a-f]{8}-[0-9a-f-]{8,})\s+"
    r"(?P<mounted>true|false)\s+(?P<type>[A-Za-z][\w.-]*)\b"
)
_SUMMARY = re.compile(r"^[ \t]*name = \"(?P<name>[^\"]*)\"")
_ACCESSIBLE = re.compile(r"^[ \t]*\"?accessible\"?\s*[=:]\s*(?P<word>true|false)", re.IGNORECASE)
# Partitions that every host has and that hold no machines.
_NO_STORE = {"vfat", "vfs", "vmfsos", "vfat32"}


def _is_datastores(head: str, _file: str) -> bool:
    rows = rows_of(head)
    summary = any(_ACCESSIBLE.match(row) for row in rows)
    return summary or any(_FILESYSTEM.match(row) for row in rows)


@reader("vmware.datastores", accepts=_is_datastores)
def read_datastores(artefact: Artefact) -> Iterator[Datastore]:
    """`esxcli storage filesystem list` and `vim-cmd hostsvc/datastore/listsummary`."""
    name = ""
    for line in short_lines(artefact):
        if found := _FILESYSTEM.match(line.text):
            if found["type"].lower() not in _NO_STORE:
                shown = found["name"] or found["mount"]
                yield Datastore(span=line.span, name=shown, accessible=found["mounted"] == "true")
        elif found := _SUMMARY.match(line.text) or re.match(
            r'^[ \t]*"Name":\s*"(?P<name>[^"]*)"', line.text
        ):
            name = found["name"]
        elif found := _ACCESSIBLE.match(line.text):
            yield Datastore(span=line.span, name=name, accessible=found["word"].lower() == "true")


_STORE_STATES = {"available": True, "unavailable": False}


def _is_powercli_stores(head: str, _file: str) -> bool:
    return bool(re.search(r"\b(?:Una|A)vailable\b", head) and re.search(r"\bState\b", head))


@reader("vmware.datastores", accepts=_is_powercli_stores)
def read_powercli_stores(artefact: Artefact) -> Iterator[Datastore]:
    """`Get-Datastore`, as a list or as a table."""
    text = windows_lines.read(artefact)
    for row in (*lists(text), *tables(text)):
        accessible = _STORE_STATES.get(row.get("state").lower())
        if accessible is not None and row.get("name"):
            yield Datastore(span=row.span, name=row.get("name"), accessible=accessible)


_GOVC_RIGHT = re.compile(
    r"^[ \t]*(?P<role>[A-Z]\w*(?:-?[Oo]nly)?)\s+(?P<entity>/\S*)\s+(?P<principal>\S+[\\@]\S+|\S+)\s+(?:Yes|No)\s*$"
)


def _is_rights(head: str, _file: str) -> bool:
    rows = rows_of(head)
    named = any("Role" in row and "Principal" in row for row in rows)
    apart = any(row.lstrip(" >|").startswith("Principal") for row in rows)
    return named or apart or any(map(_GOVC_RIGHT.match, rows))


@reader("vmware.permissions", accepts=_is_rights)
def read_rights(artefact: Artefact) -> Iterator[Permission]:
    """`Get-VIPermission` and `govc permissions.ls`."""
    for line, found in matches(short_lines(artefact), _GOVC_RIGHT):
        yield Permission(span=line.span, principal=found["principal"], role=found["role"])
    text = windows_lines.read(artefact)
    for row in (*lists(text), *tables(text)):
        if row.get("role") and row.get("principal"):
            yield Permission(span=row.span, principal=row.get("principal"), role=row.get("role"))


_INTERFACE = re.compile(r"^\d+: (?P<name>[\w.@-]+): <")
_INET = re.compile(r"^\s+inet (?P<address>\d+(?:\.\d+){3})/\d+ .*$")
_DEVICE = re.compile(r"^[ \t]*(?:DEVICE|NAME)=\"?(?P<name>[\w.-]+)")
_BOOTPROTO = re.compile(r"^[ \t]*BOOTPROTO=[\"']?(?P<proto>dhcp|static|none)\b", re.IGNORECASE)
_NETPLAN = re.compile(r"^\s+dhcp4:\s*(?P<word>true|yes|no|false)\s*$", re.IGNORECASE)
_NETPLAN_NAME = re.compile(r"^\s{2,}(?P<name>[a-z][\w.-]*\d[\w.-]*):\s*$")
_INTERFACES = re.compile(r"^[ \t]*iface (?P<name>\S+) inet (?P<proto>dhcp|static)\b")


def _is_addresses(head: str, _file: str) -> bool:
    ways = (_BOOTPROTO, _NETPLAN, _INTERFACES)
    return any(one.match(row) for row in rows_of(head) for one in (*ways, _INET))


@reader("vmware.addresses", accepts=_is_addresses)
def read_addresses(artefact: Artefact) -> Iterator[LinuxAddress]:
    """`ip addr`, ifcfg files, netplan, /etc/network/interfaces; the loopback does not count."""
    name = ""
    for line in short_lines(artefact):
        begun = (
            _INTERFACE.match(line.text)
            or _DEVICE.match(line.text)
            or _NETPLAN_NAME.match(line.text)
        )
        name = begun["name"] if begun else name
        source = _source(line)
        if own := _INTERFACES.match(line.text):
            name = own["name"]
        if source and name != "lo":
            yield LinuxAddress(span=line.span, interface=name or "?", source=source)


def _source(line: Line) -> str:
    if _INET.match(line.text):
        dynamic = " dynamic " in f"{line.text} "
        return "dhcp" if dynamic else "static"
    if found := _BOOTPROTO.match(line.text) or _INTERFACES.match(line.text):
        return "dhcp" if found["proto"].lower() == "dhcp" else "static"
    if found := _NETPLAN.match(line.text):
        return "dhcp" if found["word"].lower() in {"true", "yes"} else "static"
    return ""


MANAGER = "NetworkManager"
_NO_MANAGER = re.compile(
    r"package NetworkManager is not installed|no packages? found matching network-manager"
    r"|NetworkManager 패키지(?:가|는) 설치되어 있지 않습니다|^[ \t]*(?:rc|un)\s+network-manager\s"
)
_MANAGER = re.compile(
    r"^[ \t]*NetworkManager-(?:\d+:)?(?P<version>\d[\w.]*)-\S+$|^[ \t]*ii\s+network-manager\s+(?P<deb>\S+)"
)


def _is_manager(head: str, _file: str) -> bool:
    return any(_NO_MANAGER.search(row) or _MANAGER.match(row) for row in rows_of(head))


@reader("vmware.network-manager", accepts=_is_manager)
def read_manager(artefact: Artefact) -> Iterator[Fact]:
    for line in short_lines(artefact):
        if _NO_MANAGER.search(line.text):
            yield Package(span=line.span, name=MANAGER, version="")
        elif found := _MANAGER.match(line.text):
            version = found["version"] or found["deb"]
            yield Package(span=line.span, name=MANAGER, version=version)
