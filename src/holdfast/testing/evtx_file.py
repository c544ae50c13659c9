"""Small binary event logs: one chunk, records of plain binary XML without templates."""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime

_CHUNK = 65536
_CHUNK_HEAD = 512
_FILE_HEAD = 4096
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class _Xml:
    """Writes tokens; names are stored where they are first used, so that offsets matter."""

    def __init__(self, begin: int) -> None:
        self._begin = begin
        self.out = bytearray(b"\x0f\x01\x01\x00")

    def element(
        self, name: str, text: str = "", attributes: Mapping[str, str] | None = None
    ) -> None:
        self.open(name, attributes)
        if text:
            self._value(text)
        self.out += b"\x04"

    def open(self, name: str, attributes: Mapping[str, str] | None = None) -> None:
        self.out += struct.pack("<BI", 0x41 if attributes else 0x01, 0)
        self._name(name)
        if attributes:
            self.out += struct.pack("<I", 0)
            last = list(attributes)[-1]
            for key, value in attributes.items():
                self.out += b"\x06" if key == last else b"\x46"
                self._name(key)
                self._value(value)
        self.out += b"\x02"

    def close(self) -> None:
        self.out += b"\x04"

    def _name(self, name: str) -> None:
        at = self._begin + len(self.out) + 4
        self.out += struct.pack("<IIHH", at, 0, 0, len(name))
        self.out += name.encode("utf-16-le") + b"\0\0"

    def _value(self, text: str) -> None:
        self.out += struct.pack("<BBH", 0x05, 0x01, len(text)) + text.encode("utf-16-le")


def _record(number: int, begin: int, event: Mapping[str, str]) -> bytes:
    """One event of `provider`, `id`, `level`, `when` (ISO 8601) and `data`."""
    xml = _Xml(begin + 24)
    xml.open("Event")
    xml.open("System")
    xml.element("Provider", attributes={"Name": event["provider"]})
    xml.element("EventID", event["id"])
    xml.element("Level", event.get("level", "2"))
    xml.element("TimeCreated", attributes={"SystemTime": event["when"]})
    xml.close()
    xml.open("EventData")
    xml.element("Data", event["data"])
    xml.close()
    xml.close()
    body = bytes(xml.out) + b"\x00"
    when = datetime.fromisoformat(event["when"]) - _EPOCH
    size = 24 + len(body) + 4
    ticks = int(when.total_seconds()) * 10_000_000
    return struct.pack("<4sIQQ", b"**\0\0", size, number, ticks) + body + struct.pack("<I", size)


def evtx(*events: Mapping[str, str]) -> bytes:
    """A log with these events."""
    records = bytearray()
    for number, event in enumerate(events, 1):
        records += _record(number, _CHUNK_HEAD + len(records), event)
    head = struct.pack(
        "<8sQQQQIII", b"ElfChnk\0", 1, len(events), 1, len(events), 128, _CHUNK_HEAD, 0
    )
    free = struct.pack("<I", _CHUNK_HEAD + len(records))
    chunk = head[:-4] + free
    chunk = (chunk.ljust(_CHUNK_HEAD, b"\0") + records).ljust(_CHUNK, b"\0")
    file = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, 0, len(events) + 1, 128, 1, 3, _FILE_HEAD, 1)
    return file.ljust(_FILE_HEAD, b"\0") + chunk
