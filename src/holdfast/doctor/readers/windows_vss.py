"""What vssadmin and diskshadow list: writers, providers, shadow copies and the room for them.

The labels are translated; the order of the lines, the GUIDs and the numbers in brackets are not.
"""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.windows_lines import GUID, Text, moment, size
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.vss_writers import id_of
from holdfast.doctor.windows_facts import ShadowCopy, ShadowStorage, VssProvider, VssWriter

_QUOTES = "'\"`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_COLON = r"[:\uff1a]"
# A quoted mail repeats its mark on every line: breaks between parts may hold some.
_BREAK = r"[ \t\r>|]*(?:\n[ \t\r>|]*)*"
_NAME = re.compile(rf"[{_QUOTES}](?P<name>[^{_QUOTES}\n{{}}]{{2,120}})[{_QUOTES}]")
_WRITER = re.compile(
    rf"\{{(?P<id>{GUID})\}}{_BREAK}(?:[^\n{{}}\[]{{0,80}}\{{(?P<instance>{GUID})\}}{_BREAK})?"
    r"[^\n{}\[]{0,60}\[(?P<state>\d{1,2})\\?\]"
)
# What is quoted in mails and posts leaves the GUIDs out, or writes `{ID}` in their place.
_SHORTENED = re.compile(
    rf"^(?P<label>[^\n:\uff1a{{}}\[]{{2,60}}){_COLON}[ \t]*[{_QUOTES}](?P<name>[^{_QUOTES}\n{{}}]{{2,120}})[{_QUOTES}][^\n]{{0,10}}\n"
    rf"(?:[^\n\[{_QUOTES}]{{0,120}}\n){{0,4}}?[^\n\[{_QUOTES}]{{2,60}}\[(?P<state>\d{{1,2}})\\?\][^\n]{{0,80}}"
    rf"(?:\n[^\n:\uff1a\[{_QUOTES}]{{2,60}}{_COLON}[ \t]*(?P<error>[^\n]*))?",
    re.MULTILINE,
)
_LAST_ERROR = re.compile(
    rf"[^\n{{}}]*?(?:{_BREAK}[^\n{{}}{_QUOTES}:\uff1a]{{2,60}}{_COLON}[ \t]*(?P<error>[^\n]*))?$",
    re.MULTILINE,
)
_LONGEST_ERROR = 120
# The furthest that a writer's name stands above its GUID.
_NAME_WITHIN = 240
_SHADOW_WRITER = re.compile(
    r"WRITER\s+\"(?P<name>[^\"\n]+)\"(?P<body>(?:(?!\bWRITER\s+\")[\s\S]){0,2000}?)"
    r"Status:?\s*(?P<state>\d{1,2})\s*\(VSS_WS_\w+\)(?:\s*-?\s*[^\n:]*:\s*(?P<error>[^\n]*))?"
)


def _has_writers(head: str, _: str) -> bool:
    return bool(_WRITER.search(head)) or "(VSS_WS_" in head or any(_shortened(head))


@reader("windows.vss.writers", accepts=_has_writers)
def read_writers(artefact: Artefact) -> Iterator[Fact]:
    """Writers by their two GUIDs and the state's number; a cut first or last one is read as far as it goes."""
    text = windows_lines.read(artefact)
    anchors = list(_WRITER.finditer(text.whole))
    for place, found in enumerate(anchors):
        before = anchors[place - 1].end() if place else 0
        after = anchors[place + 1].start() if place + 1 < len(anchors) else len(text.whole)
        yield _writer(text, found, before, after)
    whole = [(found.start(), found.end()) for found in anchors]
    for found in _shortened(text.whole):
        if not any(begin <= found.start("state") < end for begin, end in whole):
            yield VssWriter(
                span=text.span_of(found),
                name=found["name"].strip(),
                id=id_of(found["name"]),
                state=int(found["state"]),
                last_error=(found["error"] or "").strip(),
            )
    for found in _SHADOW_WRITER.finditer(text.whole):
        known = re.search(GUID, found["body"])
        yield VssWriter(
            span=text.span_of(found),
            name=found["name"],
            id=known.group(0).lower() if known else id_of(found["name"]),
            state=int(found["state"]),
            last_error=(found["error"] or "").strip(),
        )


def _shortened(whole: str) -> Iterator[re.Match[str]]:
    """Without GUIDs only the names of writers speak for a listing; they are hardly ever translated."""
    for found in _SHORTENED.finditer(whole):
        said = f"{found['label']} {found['name']}".lower()
        if "writer" in said or id_of(found["name"]):
            yield found


def _writer(text: Text, found: re.Match[str], before: int, after: int) -> VssWriter:
    """Name and last error stand between this writer's numbers and its neighbours'."""
    floor = max(before, found.start() - _NAME_WITHIN)
    names = list(_NAME.finditer(text.whole, floor, found.start()))
    begin = names[-1].start() if names else found.start()
    following = _NAME.search(text.whole, found.end(), after)
    rest = text.whole[found.end() : following.start() if following else after]
    error, length = _last_error(rest)
    return VssWriter(
        span=text.span(text.line_at(begin), text.line_at(found.end() + length - 1)),
        name=names[-1]["name"].strip() if names else "",
        id=(id_of(names[-1]["name"]) if names else "") or found["id"].lower(),
        instance=(found["instance"] or "").lower(),
        state=int(found["state"]),
        last_error=error,
    )


def _last_error(rest: str) -> tuple[str, int]:
    """What stands after the second label behind the state, and where it ends."""
    found = _LAST_ERROR.match(rest)
    if found is None or found["error"] is None:
        return "", 0
    return found["error"].strip()[:_LONGEST_ERROR], len(found.group(0).rstrip())


_PROVIDER = re.compile(
    rf"^[^\n{{}}]*?[{_QUOTES}](?P<name>[^{_QUOTES}\n{{}}]{{2,120}})[{_QUOTES}][ \t.]*{_BREAK}"
    rf"[^\n{{}}\[]{{2,80}}{_BREAK}[^\n{{}}\[]{{0,80}}\{{(?P<id>{GUID})\}}{_BREAK}"
    r"[^\n{}\[:]{2,60}:?[ \t]*(?P<version>\d+(?:\.\d+){1,4})",
    re.MULTILINE,
)


def _has_providers(head: str, _: str) -> bool:
    return bool(_PROVIDER.search(head))


@reader("windows.vss.providers", accepts=_has_providers)
def read_providers(artefact: Artefact) -> Iterator[Fact]:
    """A provider is a quoted name, its type, one GUID and a version."""
    text = windows_lines.read(artefact)
    for found in _PROVIDER.finditer(text.whole):
        yield VssProvider(
            span=text.span_of(found),
            name=found["name"].strip(),
            id=found["id"].lower(),
            version=found["version"],
        )


_SHADOW_COPY = re.compile(rf"^[^\n{{}}]{{2,80}}:?[ \t]*\{{(?P<id>{GUID})\}}[ \t\r]*$", re.MULTILINE)
_SHADOW_SET = re.compile(rf"\{{(?P<id>{GUID})\}}[^\n]*$", re.MULTILINE)
_DEVICE = re.compile(r"\\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy\d+", re.IGNORECASE)
_VOLUME = re.compile(rf"(?:\((?P<letter>[A-Za-z]:)\\?\))?\\\\\?\\Volume\{{(?P<guid>{GUID})\}}\\?")


def _has_shadows(head: str, _: str) -> bool:
    return bool(_DEVICE.search(head)) and bool(_SHADOW_SET.search(head))


@reader("windows.vss.shadows", accepts=_has_shadows)
def read_shadows(artefact: Artefact) -> Iterator[Fact]:
    """Each shadow copy has a device; the GUIDs above it are its own and, before that, its set's."""
    text = windows_lines.read(artefact)
    before = 0
    for device in _DEVICE.finditer(text.whole):
        part = text.whole[before : device.end()]
        own = list(_SHADOW_COPY.finditer(part))
        if own:
            volume = _VOLUME.search(part[own[-1].start() :])
            first = text.line_at(before + own[-1].start())
            yield ShadowCopy(
                span=text.span(first, text.line_at(device.end() - 1)),
                id=own[-1]["id"].lower(),
                volume=_volume_name(volume),
                device=device.group(0),
                created=moment(part),
            )
        before = device.end()


def _volume_name(found: re.Match[str] | None) -> str:
    """The letter where there is one, else the volume's GUID."""
    if found is None:
        return ""
    return (found["letter"] or found["guid"]).upper() if found["letter"] else found["guid"].lower()


_LETTER_OR_GUID = rf"(?:\([A-Za-z]:\\?\))?\\\\\?\\Volume\{{{GUID}\}}\\?"
_STORAGE = re.compile(
    rf"^[^\n]*?(?P<volume>{_LETTER_OR_GUID})[^\n]*{_BREAK}[^\n]*?(?P<held>{_LETTER_OR_GUID})[^\n]*{_BREAK}"
    rf"[^\n:\uff1a]*{_COLON}[ \t]*(?P<used>[^\n]*\d[^\n]*){_BREAK}"
    rf"[^\n:\uff1a]*{_COLON}[ \t]*(?P<allocated>[^\n]*\d[^\n]*)"
    rf"(?:{_BREAK}[^\n:\uff1a]*{_COLON}[ \t]*(?P<maximum>[^\n]+))?",
    re.MULTILINE,
)


def _has_storage(head: str, _: str) -> bool:
    return bool(_STORAGE.search(head))


@reader("windows.vss.shadowstorage", accepts=_has_storage)
def read_storage(artefact: Artefact) -> Iterator[Fact]:
    """Two volumes, then used, allocated and maximum in this order; a maximum that is a word means no limit."""
    text = windows_lines.read(artefact)
    for found in _STORAGE.finditer(text.whole):
        used = size(found["used"])
        if used is None:
            continue
        yield ShadowStorage(
            span=text.span_of(found),
            volume=_volume_name(_VOLUME.search(found["volume"])),
            held_on=_volume_name(_VOLUME.search(found["held"])),
            used=used,
            allocated=size(found["allocated"]) or 0,
            maximum=_maximum(found["maximum"] or ""),
        )


def _maximum(text: str) -> int | None:
    """`UNBOUNDED (100%)` in any language has no number before its percentage."""
    return size(re.sub(r"\(\s*[\d.,]+\s*%\s*\)", "", text))
