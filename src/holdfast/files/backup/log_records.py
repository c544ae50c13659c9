"""Records of the file cache as they lie in its log."""

import mmap
import struct
import zlib

import msgspec

from holdfast.files.backup.messages import NO_RECORD

HEAD = struct.Struct("<II")  # length and checksum of the record that follows


class Record(msgspec.Struct, array_like=True, frozen=True):
    """One folder: its entries, their contents, and the tree all that became."""

    listing: bytes  # encoded names and packed statuses, compared as a whole
    payloads: bytes
    attributes: bytes
    tree: bytes
    children: list[int]  # records of the sub-folders, in the order of the listing


_encode = msgspec.msgpack.Encoder().encode
_records = msgspec.msgpack.Decoder(Record)


def packed_record(record: Record) -> bytes:
    content = _encode(record)
    return HEAD.pack(len(content), zlib.crc32(content)) + content


def record_at(memory: mmap.mmap, offset: int) -> Record | None:
    """The record at a place, or None when there is none that can be trusted."""
    if offset == NO_RECORD:
        return None
    try:
        length, checksum = HEAD.unpack_from(memory, offset)
        start = offset + HEAD.size
        content = memory[start : start + length]
        if len(content) != length or zlib.crc32(content) != checksum:
            return None
        return _records.decode(content)
    except (struct.error, OverflowError, msgspec.DecodeError):
        return None
