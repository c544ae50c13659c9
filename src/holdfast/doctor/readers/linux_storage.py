"""Room on a Linux host: df with blocks and inodes, mount, free, lsblk, and how busy it is."""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Memory, Volume
from holdfast.doctor.linux_facts import CpuLoad, GuestDisk, Inodes, Mount
from holdfast.doctor.readers.linux_lines import Line, lines_of, matches, size_of
from holdfast.doctor.readers_registry import reader

_NUMBER = r"\d+(?:[.,]\d+)?[KMGTPE]?i?B?"
_ROW = re.compile(
    rf"^(?P<device>\S+)?\s+(?:(?P<kind>[a-z][\w.-]*)\s+)?(?P<size>{_NUMBER})\s+(?P<used>{_NUMBER})"
    rf"\s+(?P<free>-?{_NUMBER})\s+(?P<percent>\d+)%\s+(?P<path>/\S*(?: \S+)*)$"
)
_BLOCKS = re.compile(r"\b(?P<number>\d+)(?P<unit>[KMG])?B?-\S")
_INODES = re.compile(r"\bI(?:Use|node|Free|Used)|i-?node|아이노드", re.IGNORECASE)
# What has no size is listed too by `df -a`.
_UNSIZED = re.compile(r"\s-\s+/")
# Full by nature: images of one file, the kernel's own.
_NATURAL = re.compile(r"^/(?:snap|dev|proc|sys|run)(?:/|$)|^/(?:media|mnt)/cdrom")
_IMAGES = re.compile(r"^(?:/dev/(?:loop|sr)\d*|udev|devtmpfs|squashfs|none)")


def _is_df(head: str, _file: str) -> bool:
    return re.search(r"\s\d+%\s+/", head) is not None


@reader("linux.df", accepts=_is_df)
def read_df(artefact: Artefact) -> Iterator[Fact]:
    unit, inodes, device = 1024, False, ""
    for line in lines_of(artefact):
        if found := _ROW.match(line.text):
            name = found.group("device") or device
            if not (_IMAGES.match(name) or _NATURAL.match(found.group("path"))):
                yield from _volume(line, found, unit=unit, inodes=inodes)
        elif _UNSIZED.search(line.text):
            continue
        elif re.search(r"\bMounted on\b|%", line.text) or len(line.text.split()) > 4:  # noqa: PLR2004  a heading, in whatever language
            unit, inodes = _heading(line.text)
        device = line.text.strip()


def _heading(text: str) -> tuple[int, bool]:
    blocks = _BLOCKS.search(text)
    unit = 1024
    if blocks:
        factor = {"K": 1024, "M": 1 << 20, "G": 1 << 30, None: 1}[blocks.group("unit")]
        unit = int(blocks.group("number")) * factor
    return unit, _INODES.search(text) is not None


def _volume(line: Line, found: re.Match[str], *, unit: int, inodes: bool) -> Iterator[Fact]:
    factor = 1 if inodes else unit
    size = size_of(found.group("size"), factor)
    free = size_of(found.group("free").lstrip("-"), factor)
    if not size or free is None:
        return
    if found.group("free").startswith("-"):
        free = 0
    path = found.group("path")
    if inodes:
        yield Inodes(span=line.span, path=path, total=size, free=free)
    else:
        kind = found.group("kind") or ""
        yield Volume(span=line.span, path=path, size=size, free=free, kind=kind)


_MOUNTED = re.compile(
    r"^(?P<device>\S+) on (?P<path>/\S*) type (?P<kind>\S+) \((?P<options>[^)]*)\)"
    r"|^(?P<device2>\S+) (?P<path2>/\S*) (?P<kind2>\w+) (?P<options2>(?:rw|ro)\b\S*) \d \d$"
)


def _is_mount(head: str, _file: str) -> bool:
    return any(_MOUNTED.match(line.strip()) for line in head.split("\n")[:500])


@reader("linux.mounts", accepts=_is_mount)
def read_mounts(artefact: Artefact) -> Iterator[Mount]:
    for line in lines_of(artefact):
        if found := _MOUNTED.match(line.text.strip()):
            options = found.group("options") or found.group("options2") or ""
            yield Mount(
                span=line.span,
                path=found.group("path") or found.group("path2"),
                kind=found.group("kind") or found.group("kind2"),
                options=tuple(options.split(",")),
            )


_MEMORY = re.compile(
    rf"^[ \t]*(?:Mem|메모리|メモリ|Mem\.|Speicher|内存|[^\s:\d]{{1,10}}):\s+(?P<total>{_NUMBER})\s+"
    rf"(?P<used>{_NUMBER})\s+(?P<free>{_NUMBER})\s+(?P<shared>{_NUMBER})\s+(?P<cache>{_NUMBER})"
    rf"(?:\s+(?P<last>{_NUMBER}))?\s*$"
)
_OLD = re.compile(rf"^-/\+ \S+:\s+(?P<used>{_NUMBER})\s+(?P<free>{_NUMBER})\s*$")
_KERNEL = re.compile(r"^(?P<key>MemTotal|MemAvailable):\s+(?P<number>\d+) kB")


def _is_free(head: str, _file: str) -> bool:
    return any(
        _MEMORY.match(line.rstrip("\r")) or _KERNEL.match(line.strip())
        for line in head.split("\n")[:500]
    )


@reader("linux.memory", accepts=_is_free)
def read_memory(artefact: Artefact) -> Iterator[Memory]:
    lines = lines_of(artefact)
    kernel = {found.group("key"): (line, found) for line, found in matches(lines, _KERNEL)}
    if len(kernel) == 2:  # noqa: PLR2004  both of the two keys
        total, available = (
            int(kernel[k][1].group("number")) << 10 for k in ("MemTotal", "MemAvailable")
        )
        yield Memory(span=kernel["MemAvailable"][0].span, total=total, available=available)
    for at, line in enumerate(lines):
        if found := _MEMORY.match(line.text):
            yield from _memory(line, found, older=lines[at + 1 : at + 2])


def _memory(line: Line, found: re.Match[str], *, older: list[Line]) -> Iterator[Memory]:
    unit = _memory_unit(found.group("total"))
    total = size_of(found.group("total"), unit)
    old = _OLD.match(older[0].text) if older else None
    free = old.group("free") if old else found.group("last") or found.group("free")
    available = size_of(free, unit)
    if total and available is not None:
        yield Memory(span=line.span, total=total, available=available)


def _memory_unit(total: str) -> int:
    """`free` does not say what it counts in; no machine has so little or so much of the others."""
    number = int(total) if total.isdigit() else 0
    if number < 100:  # noqa: PLR2004
        return 1 << 30
    if number < 1_000_000:  # noqa: PLR2004
        return 1 << 20
    return 1 if number > 1 << 34 else 1024


_IDLE = re.compile(r"^[ \t]*%?Cpu\(s\)?:.*?(?P<idle>\d+[.,]\d+)[ %]*id", re.IGNORECASE)


def _is_top(head: str, _file: str) -> bool:
    return re.search(r"^[ \t]*%?Cpu\(s\)", head, re.MULTILINE) is not None


@reader("linux.load", accepts=_is_top)
def read_load(artefact: Artefact) -> Iterator[CpuLoad]:
    for line, found in matches(lines_of(artefact), _IDLE):
        yield CpuLoad(
            span=line.span, busy=round(100 - float(found.group("idle").replace(",", ".")), 1)
        )


_DISK = re.compile(
    rf"^(?P<name>(?:sd|vd|xvd|nvme|hd)\w+)\s+\d+:\d+\s+\d\s+(?P<size>{_NUMBER})\s+\d\s+disk\b"
)


def _is_lsblk(head: str, _file: str) -> bool:
    return any(_DISK.match(line.strip()) for line in head.split("\n")[:500])


@reader("linux.disks", accepts=_is_lsblk)
def read_disks(artefact: Artefact) -> Iterator[GuestDisk]:
    for line in lines_of(artefact):
        found = _DISK.match(line.text.strip())
        size = size_of(found.group("size")) if found else None
        if found and size:
            yield GuestDisk(
                span=line.span, name=found.group("name"), gib=round(size / (1 << 30), 1)
            )
