"""Disks: `diskpart`, `Get-Disk`, `wmic partition`, iSCSI sessions and BitLocker.

diskpart's tables are read by their columns: the fifth of a disk is a star when it is dynamic.
"""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import cells_of, columns_of, lists, tables
from holdfast.doctor.readers.windows_lines import Text, size
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.windows_facts import BitLockerVolume, Disk, IscsiSession

_DISK_HEAD = re.compile(r"^[ \t>|]*\S+\s*###\s")
_DISK_COLUMNS = 6
_DYNAMIC_TYPES = re.compile(
    r"simple|spanned|stripe|mirror|raid|einfach|übergreifend|gespiegelt|단순|스팬|스트라이프|미러",
    re.IGNORECASE,
)
_BASIC_TYPES = re.compile(r"partition|파티션|removable|이동식|dvd|cd-?rom|wechsel", re.IGNORECASE)
_ONLINE = re.compile(r"online|온라인", re.IGNORECASE)
_MANAGER = re.compile(r"^[^\n]*Logical Disk Manager[^\n]*$", re.MULTILINE)


def _is_diskpart(head: str, _: str) -> bool:
    return (
        bool(_DISK_HEAD.search(head))
        or any(_DISK_HEAD.match(line) for line in head.split("\n"))
        or bool(_MANAGER.search(head))
    )


@reader("windows.disks", accepts=_is_diskpart)
def read_diskpart(artefact: Artefact) -> Iterator[Fact]:
    """`list disk` and `list volume`; partitions of the Logical Disk Manager lie on dynamic disks."""
    text = windows_lines.read(artefact)
    for at, line in enumerate(text.lines[:-1]):
        if _DISK_HEAD.match(line) and set(text.lines[at + 1].strip()) == {"-", " "}:
            yield from _rows(text, at + 1)
    for found in _MANAGER.finditer(text.whole):
        place = text.line_at(found.start())
        name = re.search(r"Disk #\d+", found.group(0))
        yield Disk(span=text.span(place), name=name.group(0) if name else "", dynamic=True)


def _rows(text: Text, dashes: int) -> Iterator[Disk]:
    columns = columns_of(text.lines[dashes])
    for place in range(dashes + 1, len(text.lines)):
        line = text.lines[place]
        cells = cells_of(line, columns)
        if not line.strip() or not re.search(r"\d", cells[0]):
            return
        if len(columns) == _DISK_COLUMNS:
            yield Disk(
                span=text.span(place + 1),
                name=cells[0],
                size=size(cells[2]) or 0,
                free=size(cells[3]) or 0,
                dynamic="*" in cells[4],
                offline=not _ONLINE.search(cells[1]),
                style="gpt" if "*" in cells[5] else "mbr",
            )
        elif len(columns) > _DISK_COLUMNS:
            yield _volume(text, place, cells)


def _volume(text: Text, place: int, cells: list[str]) -> Disk:
    letter, kind = cells[1], cells[4]
    basic = False if _BASIC_TYPES.search(kind) else None
    return Disk(
        span=text.span(place + 1),
        name=f"{letter.upper()}:" if letter else cells[0],
        size=size(cells[5]) or 0,
        dynamic=True if _DYNAMIC_TYPES.search(kind) else basic,
    )


def _is_get_disk(head: str, _: str) -> bool:
    return bool(
        re.search(
            r"\bOperationalStatus\b.*\bTotal Size\b|^[ \t>|]*PartitionStyle\s*:", head, re.MULTILINE
        )
    )


@reader("windows.disks", accepts=_is_get_disk)
def read_get_disk(artefact: Artefact) -> Iterator[Fact]:
    """`Get-Disk`: it does not know dynamic disks, but who is offline."""
    text = windows_lines.read(artefact)
    for row in [*tables(text), *lists(text)]:
        style, status = row.get("partition style", "partitionstyle"), row.get("operationalstatus")
        if style or (status and row.get("total size", "size")):
            yield Disk(
                span=row.span,
                name=f"Disk {row.get('number', 'disknumber')}".strip(),
                size=size(row.get("total size", "size")) or 0,
                offline="offline" in status.lower() if status else None,
                style=style.lower(),
            )


def _is_iscsi(head: str, _: str) -> bool:
    return bool(
        re.search(r"^[ \t>|]*(?:TargetNodeAddress|Target Name|대상 이름)\s*:", head, re.MULTILINE)
    )


@reader("windows.iscsi", accepts=_is_iscsi)
def read_iscsi(artefact: Artefact) -> Iterator[Fact]:
    """`Get-IscsiSession`, `Get-IscsiTarget` and `iscsicli sessionlist`."""
    text = windows_lines.read(artefact)
    for row in lists(text):
        target = row.get("targetnodeaddress", "nodeaddress", "target name")
        connected = row.get("isconnected").lower()
        if target:
            yield IscsiSession(span=row.span, target=target, connected=connected != "false")


_BDE_VOLUME = re.compile(
    r"^[ \t>|]*\S+\s+[\"\u201e]?(?P<volume>[A-Z]:)[\"\u201c]?\s*(?:\[[^\]\n]*\])?\s*(?:볼륨)?\s*$"
)
_LOCKED = re.compile(
    r":\s+(?:Locked|잠김|잠금|Gesperrt|Verrouillé|Bloqueado|Bloccato|ロック|已锁定|Заблокирован\w*)\s*$",
    re.IGNORECASE,
)
_UNLOCKED = re.compile(
    r":\s+(?:Unlocked|잠금 해제됨|잠금 해제|Entsperrt|Déverrouillé|Desbloqueado|Sbloccato|ロック解除|已解锁|Разблокирован\w*)\s*$",
    re.IGNORECASE,
)


def _is_bitlocker(head: str, _: str) -> bool:
    return "BitLocker" in head and bool(
        _LOCKED.search(head.replace("\r", ""))
        or re.search(r"LockStatus|:\s+\S+\s*$", head, re.MULTILINE)
    )


@reader("windows.bitlocker", accepts=_is_bitlocker)
def read_bitlocker(artefact: Artefact) -> Iterator[Fact]:
    """`manage-bde -status` volume by volume, and the lists of `Get-BitLockerVolume`."""
    text = windows_lines.read(artefact)
    for row in lists(text):
        if row.get("mountpoint") and row.get("lockstatus"):
            yield BitLockerVolume(
                span=row.span,
                volume=row.get("mountpoint"),
                locked=row.get("lockstatus").lower() == "locked",
                protected=row.get("protectionstatus").lower() == "on",
            )
    volume = ""
    for number, line in enumerate(text.lines, 1):
        if found := _BDE_VOLUME.match(line):
            volume = found["volume"]
        elif volume and (_LOCKED.search(line) or _UNLOCKED.search(line)):
            yield BitLockerVolume(
                span=text.span(number), volume=volume, locked=bool(_LOCKED.search(line))
            )
            volume = ""
