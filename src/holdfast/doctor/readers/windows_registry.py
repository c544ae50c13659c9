"""Registry: exports of versions 4 and 5, `reg query`, and `Get-ItemProperty`.

Every key gives a RegistryValue with name None, so that a key without values is known to be there.
"""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.model import Span
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import Row, lists
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.windows_facts import DotNet, RegistryValue

_HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
_HIVE = r"(?:HKEY_[A-Z_]+|HKLM|HKCU|HKCR|HKU|HKCC)"
_EXPORT_KEY = re.compile(
    rf"^[ \t]*\[(?P<gone>-?)(?P<key>{_HIVE}(?:\\[^\]\n]*)?)\]\s*$", re.IGNORECASE
)
_EXPORT_VALUE = re.compile(
    r'^[ \t]*(?:"(?P<name>(?:[^"\\]|\\.)*)"|(?P<default>@))\s*=\s*(?P<data>.*)$'
)
_QUERY_KEY = re.compile(rf"^[ \t>|]*(?P<key>{_HIVE}\\[^\n=]*?)\s*$", re.IGNORECASE)
_QUERY_VALUE = re.compile(
    r"^[ \t>|]+(?P<name>\S.*?|\(.*?\))\s{1,8}(?P<kind>REG_[A-Z_]+)(?:\s{1,8}(?P<data>.*))?$"
)
_KINDS = {
    "dword": "REG_DWORD",
    "hex": "REG_BINARY",
    "hex(b)": "REG_QWORD",
    "hex(2)": "REG_EXPAND_SZ",
    "hex(7)": "REG_MULTI_SZ",
}
_RELEASE = re.compile(r"NET Framework Setup\\NDP\\v4\\(?:Full|Client)", re.IGNORECASE)


def _has_registry(head: str, _: str) -> bool:
    if head.lstrip("\ufeff \r\n").startswith(("REGEDIT4", "Windows Registry Editor Version")):
        return True
    return any(
        _EXPORT_KEY.match(line) or _QUERY_KEY.match(line.rstrip("\r")) for line in head.split("\n")
    )


@reader("windows.registry", accepts=_has_registry)
def read_registry(artefact: Artefact) -> Iterator[Fact]:
    """Keys and values; a value may go on over lines that end in a backslash."""
    text = windows_lines.read(artefact)
    key, key_span, number = "", text.span(1), 0
    while number < len(text.lines):
        line, first = text.lines[number].rstrip("\r"), number + 1
        number += 1
        if found := (_EXPORT_KEY.match(line) or _QUERY_KEY.match(line)):
            key, key_span = _long(found["key"]), text.span(first)
            if not found.groupdict().get("gone"):
                yield RegistryValue(span=key_span, key=key, name=None)
        elif key and (found := _EXPORT_VALUE.match(line)):
            while line.endswith("\\") and number < len(text.lines):
                line = line[:-1] + text.lines[number].strip()
                number += 1
            yield from _exported(line, text.span(first, number), key)
        elif key and (found := _QUERY_VALUE.match(line)):
            yield from _queried(found, text.span(first), key)


def _long(key: str) -> str:
    hive, _, rest = key.partition("\\")
    name = _HIVES.get(hive.upper(), hive.upper())
    return f"{name}\\{rest}" if rest else name


def _exported(line: str, span: Span, key: str) -> Iterator[Fact]:
    found = _EXPORT_VALUE.match(line)
    if found is None:
        return
    name = "" if found["default"] else _unescaped(found["name"])
    kind, value, number = _data(found["data"].strip())
    yield from _values(
        RegistryValue(span=span, key=key, name=name, kind=kind, value=value, number=number)
    )


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _data(data: str) -> tuple[str, str, int | None]:
    """Kind, text and number of what stands behind the equals sign."""
    if data.startswith('"'):
        return (
            "REG_SZ",
            _unescaped(data[1 : data.rfind('"') if data.rfind('"') > 0 else None]),
            None,
        )
    kind, _, rest = data.partition(":")
    known = _KINDS.get(kind.lower(), "")
    if known == "REG_DWORD":
        number = _hex(rest)
        return known, str(number if number is not None else rest), number
    raw = bytes(byte for part in rest.split(",") if (byte := _hex(part)) is not None and byte < 256)  # noqa: PLR2004  a byte
    if known == "REG_QWORD":
        return known, str(int.from_bytes(raw, "little")), int.from_bytes(raw, "little")
    if known in {"REG_EXPAND_SZ", "REG_MULTI_SZ"}:
        wide = raw.decode("utf-16-le" if 0 in raw else "cp1252", "replace")
        return known, wide.rstrip("\0").replace("\0", "\n"), None
    return known or "REG_BINARY", raw.hex(), None


def _hex(text: str) -> int | None:
    try:
        return int(text.strip(), 16)
    except ValueError:
        return None


def _queried(found: re.Match[str], span: Span, key: str) -> Iterator[Fact]:
    kind, data = found["kind"], (found["data"] or "").strip()
    name = (
        ""
        if found["name"].startswith("(") and found["name"].endswith(")")
        else found["name"].strip()
    )
    number = _hex(data) if kind in {"REG_DWORD", "REG_QWORD"} else None
    value = (
        str(number)
        if number is not None
        else data.replace("\\0", "\n")
        if kind == "REG_MULTI_SZ"
        else data
    )
    yield from _values(
        RegistryValue(span=span, key=key, name=name, kind=kind, value=value, number=number)
    )


def _values(value: RegistryValue) -> Iterator[Fact]:
    """The value itself, and what some well-known values mean."""
    yield value
    if (
        value.number is not None
        and (value.name or "").lower() == "release"
        and _RELEASE.search(value.key)
    ):
        yield DotNet(span=value.span, release=value.number)


def _is_item_property(head: str, _: str) -> bool:
    return "PSPath" in head and "Microsoft.PowerShell.Core\\Registry::" in head


@reader("windows.registry", accepts=_is_item_property)
def read_item_property(artefact: Artefact) -> Iterator[Fact]:
    """`Get-ItemProperty` lists values first and the key's path after them."""
    text = windows_lines.read(artefact)
    for row in lists(text):
        if key := row.get("pspath").partition("Registry::")[2].strip():
            yield from _of_row(row, _long(key))


def _of_row(row: Row, key: str) -> Iterator[Fact]:
    yield RegistryValue(span=row.span, key=key, name=None)
    for name, value in row.values.items():
        if not name.startswith("ps"):
            number = int(value) if value.isdigit() else None
            yield from _values(
                RegistryValue(span=row.span, key=key, name=name, value=value, number=number)
            )
