"""The system as `systeminfo` and PowerShell describe it: versions, memory, policies, programs, boot.

See `windows_facts` for the `file` names and keys of the Setting facts made here.
"""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Memory, Package, Setting
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import PROMPT, lists, tables
from holdfast.doctor.readers.windows_lines import Text
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.windows_facts import (
    BOOT,
    EXECUTION_POLICY,
    PS_MODULE_PATH,
    PS_VERSION,
    SYSTEM_INFO,
)

# A host's name, the system's name, then its version and build: three labelled lines in this order.
_SYSTEM = re.compile(
    r"^[ \t>|]*[^:\n]{2,40}:[ \t]+(?P<host>\S[^\n]*?)[ \t]*\n[ \t>|]*[^:\n]{2,40}:[ \t]+(?P<os>[^\n]*Windows[^\n]*?)[ \t]*\n"
    r"[ \t>|]*[^:\n]{2,40}:[ \t]+(?P<version>\d+\.\d+\.\d+)[^\n]*",
    re.MULTILINE,
)
_MEMORY = re.compile(
    r"^[ \t>|]*[^:\n]{2,60}:[ \t]+(?P<size>\d[\d.,\u00a0\u202f ]*?)[ \t]?M[BOo][ \t]*$",
    re.MULTILINE,
)


def _is_systeminfo(head: str, _: str) -> bool:
    return bool(_SYSTEM.search(head.replace("\r\n", "\n")))


@reader("windows.system", accepts=_is_systeminfo)
def read_systeminfo(artefact: Artefact) -> Iterator[Fact]:
    """Host, system and version lead; the first two sizes are all memory and what is free of it."""
    text = windows_lines.read(artefact)
    for found in _SYSTEM.finditer(text.whole):
        for key in ("host", "os", "version"):
            place = text.line_at(found.start(key))
            yield Setting(
                span=text.span(place), file=SYSTEM_INFO, key=key, value=found[key].strip()
            )
        sizes = list(_MEMORY.finditer(text.whole, found.end()))[:2]
        values = [int(re.sub(r"\D", "", one["size"])) << 20 for one in sizes]
        if len(values) == 2 and values[0]:  # noqa: PLR2004  total and available
            yield Memory(
                span=text.span(
                    text.line_at(sizes[0].start("size")), text.line_at(sizes[1].start("size"))
                ),
                total=values[0],
                available=values[1],
            )


_POLICIES = ("MachinePolicy", "UserPolicy", "Process", "CurrentUser", "LocalMachine")
_POLICY_VALUES = "Restricted|AllSigned|RemoteSigned|Unrestricted|Bypass|Undefined|Default"
_POLICY_ROW = re.compile(
    rf"^[ \t>|]*(?P<scope>{'|'.join(_POLICIES)})\s*[:=]?\s*(?P<value>{_POLICY_VALUES})\s*$",
    re.MULTILINE,
)
_POLICY_ALONE = re.compile(
    rf"Get-ExecutionPolicy\s*\n+[ \t>|]*(?P<value>{_POLICY_VALUES})[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_VERSION_KEYS = {
    "psversion",
    "psedition",
    "clrversion",
    "buildversion",
    "wsmanstackversion",
    "psremotingprotocolversion",
    "serializationversion",
}
_VERSION = re.compile(
    r"^[ \t>|]*(?P<key>PSVersion|PSEdition|CLRVersion|BuildVersion|WSManStackVersion|PSRemotingProtocolVersion|SerializationVersion)"
    r"\s*[:=]?\s+(?P<value>\S.*?)\s*$",
    re.MULTILINE,
)
_MODULES = re.compile(
    r"^[ \t>|]*(?P<path>(?:[A-Za-z]:|\\\\)[^\n;<>|\"]*\\Modules\\?(?:;[^\n]*)?)\s*$", re.MULTILINE
)


def _is_powershell(head: str, _: str) -> bool:
    tidy = head.replace("\r\n", "\n")
    found = (pattern.search(tidy) for pattern in (_POLICY_ROW, _POLICY_ALONE, _VERSION, _MODULES))
    return any(found)


@reader("windows.powershell", accepts=_is_powershell)
def read_powershell(artefact: Artefact) -> Iterator[Fact]:
    """Policies by scope, versions by name, module folders one by one."""
    text = windows_lines.read(artefact)
    for found in _POLICY_ROW.finditer(text.whole):
        yield _setting(text, found, EXECUTION_POLICY, found["scope"].lower())
    for found in _POLICY_ALONE.finditer(text.whole):
        yield _setting(text, found, EXECUTION_POLICY, "effective")
    for found in _VERSION.finditer(text.whole):
        yield _setting(text, found, PS_VERSION, found["key"])
    for found in _MODULES.finditer(text.whole):
        place = text.line_at(found.start("path"))
        for number, folder in enumerate(found["path"].split(";"), 1):
            if folder.strip():
                yield Setting(
                    span=text.span(place),
                    file=PS_MODULE_PATH,
                    key=str(number),
                    value=folder.strip(),
                )


def _setting(text: Text, found: re.Match[str], file: str, key: str) -> Setting:
    place = text.line_at(found.start("value"))
    return Setting(span=text.span(place), file=file, key=key, value=found["value"].strip())


def _has_programs(head: str, _: str) -> bool:
    named = re.search(r"\bDisplayName\b[\s\S]{0,400}\bDisplayVersion\b", head) or re.search(
        r"^Name\s{3,}.*Version\s*$", head.replace("\r", ""), re.MULTILINE
    )
    return bool(named)


@reader("windows.packages", accepts=_has_programs)
def read_programs(artefact: Artefact) -> Iterator[Fact]:
    """Uninstall entries as table or list, and `wmic product get name,version`."""
    text = windows_lines.read(artefact)
    for row in [*tables(text), *lists(text)]:
        name, version = row.get("displayname"), row.get("displayversion", "version")
        if name and version:
            yield Package(span=row.span, name=name, version=version)
    yield from _wmic_products(text)


def _wmic_products(text: Text) -> Iterator[Package]:
    edge = 0
    for number, line in enumerate(text.lines, 1):
        if re.match(r"^Name\s{3,}.*Version\s*$", line):
            edge = line.index("Version")
        elif edge and PROMPT.match(line):
            edge = 0
        elif edge and (version := line[edge:].strip()) and re.match(r"\d+(\.\d+)+$", version):
            yield Package(span=text.span(number), name=line[:edge].strip(), version=version)


_BOOT_LINE = re.compile(
    r"^[ \t>|]*(?P<key>[a-z][a-z0-9]{2,30})\s{2,}(?P<value>\S.*?)\s*$", re.MULTILINE
)
_BOOT = re.compile(
    r"\{bootmgr\}|\{current\}|^[ \t>|]*bootdebug\s|\\winload\.(?:exe|efi)", re.MULTILINE
)


def _is_bcdedit(head: str, _: str) -> bool:
    return bool(_BOOT.search(head)) and bool(_BOOT_LINE.search(head.replace("\r", "")))


@reader("windows.boot", accepts=_is_bcdedit)
def read_bcdedit(artefact: Artefact) -> Iterator[Fact]:
    """Elements keep their English names in every language."""
    text = windows_lines.read(artefact)
    for found in _BOOT_LINE.finditer(text.whole):
        yield _setting(text, found, BOOT, found["key"])
