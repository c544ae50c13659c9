import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.disks.spans import Span
from holdfast.machines.lvm_volumes import logical_volumes, read_physical
from holdfast.machines.volumes import Joined, Part, find_volumes

EXTENT = 4 << 20
FIRST, SECOND = "a" * 32, "b" * 32
TEXT = """
vg0 {
id = "x"
seqno = 7
format = "lvm2"  # informational
status = ["RESIZEABLE", "READ", "WRITE"]
flags = []
extent_size = 8192
physical_volumes {
pv0 { id = "FIRST"
 device = "/dev/sda \\"one\\""
 pe_start = 2048
}
pv1 { id = "SECOND"
 pe_start = 2048
}
}
logical_volumes {
root { status = ["READ", "VISIBLE"]
 segment_count = 2
 segment2 { start_extent = 1
  extent_count = 1
  type = "striped"
  stripe_count = 1
  stripes = [ "pv1", 0 ]
 }
 segment1 { start_extent = 0
  extent_count = 1
  type = "striped"
  stripe_count = 1
  stripes = [ "pv0", 1 ]
 }
}
wide { status = ["VISIBLE"]
 segment1 { start_extent = 0
  extent_count = 2
  type = "striped"
  stripe_count = 2
  stripe_size = 128
  stripes = [ "pv0", 0, "pv1", 1 ]
 }
}
thin { status = ["VISIBLE"]
 segment1 { start_extent = 0
  extent_count = 1
  type = "thin"
 }
}
hidden { status = ["READ"]
 segment1 { start_extent = 0
  extent_count = 1
  type = "striped"
  stripes = ["pv0", 0]
 }
}
}
}
"""
GROUP = TEXT.replace("FIRST", f"{FIRST[:6]}-{FIRST[6:]}").replace("SECOND", SECOND)


class Memory:
    """A disk of bytes."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]

    def strictly(self, offset: int, length: int) -> bytes:
        if offset + length > self.size:
            raise ValueError(f"{length} bytes at {offset} of {self.size}")
        return self.read(offset, length)

    def spans_with_data(self) -> list[Span]:
        return [Span(0, self.size)]


def physical(uuid: str, metadata: str) -> bytearray:
    """A physical volume: label, one metadata area of 1 MiB, two extents of its own letter."""
    label = b"LABELONE" + struct.pack("<QII8s", 1, 0, 32, b"LVM2 001")
    label += uuid.encode() + struct.pack("<Q", 0)
    label += struct.pack("<QQQQ", 1 << 20, 0, 0, 0) + struct.pack("<QQQQ", 4096, 1044480, 0, 0)
    disk = bytearray((1 << 20) + 2 * EXTENT)
    disk[512 : 512 + len(label)] = label
    text = metadata.encode() + b"\0"
    area = struct.pack("<I16sIQQ", 0, b" LVM2 x[5A%r0N*>", 1, 4096, 1044480)
    # It begins near the end of the ring and goes on at its start.
    offset = 1044480 - 100
    area += struct.pack("<QQ", offset, len(text))
    disk[4096 : 4096 + len(area)] = area
    disk[4096 + offset : 4096 + 1044480] = text[:100]
    disk[4608 : 4608 + len(text) - 100] = text[100:]
    for number in range(2):
        at = (1 << 20) + number * EXTENT
        disk[at : at + EXTENT] = bytes([ord(uuid[0]) + 2 * number]) * EXTENT
    return disk


@pytest.fixture
def disks() -> dict[str, Memory]:
    return {
        "vda": Memory(bytes(physical(FIRST, GROUP))),
        "vdb": Memory(bytes(physical(SECOND, GROUP))),
    }


def test_logical_volumes_are_put_together(disks: dict[str, Memory]) -> None:
    found = {volume.name: volume for volume in find_volumes(disks)}

    assert set(found) == {"vda", "vdb", "vg0-root", "vg0-wide"}
    root = found["vg0-root"].source
    assert bytes(root.read(EXTENT - 2, 4)) == b"ccbb"
    wide = found["vg0-wide"].source
    assert wide.size == 2 * EXTENT
    assert bytes(wide.read(65534, 4)) == b"aadd"
    assert bytes(wide.read(2 * 65536 - 2, 4)) == b"ddaa"


def test_a_volume_with_a_disk_missing_is_left_out(disks: dict[str, Memory]) -> None:
    del disks["vdb"]

    assert [volume.name for volume in find_volumes(disks)] == ["vda"]


def test_damaged_metadata_hides_the_volumes_and_breaks_nothing(disks: dict[str, Memory]) -> None:
    for name, disk in disks.items():
        disks[name] = Memory(disk.content.replace(b"extent_size", b"extent~size"))

    assert [volume.name for volume in find_volumes(disks)] == ["vda", "vdb"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("extent_count = 2\n", "extent_count = 2000000000000000\n"),
        ("stripe_size = 128", "stripe_size = 0"),
        ("stripe_size = 128", "stripe_size = -8"),
        ('"pv0", 0, "pv1", 1', ""),
        ('"pv0", 0, "pv1", 1', '"pv0", -9, "pv1", -9'),
        ('"pv0", 0, "pv1", 1', '"pv0", 0, "pv1", 999999'),
    ],
)
def test_volume_that_cannot_be_is_left_out_alone(old: str, new: str) -> None:
    text = GROUP.replace(old, new)
    assert text != GROUP

    found = find_volumes(
        {"vda": Memory(bytes(physical(FIRST, text))), "vdb": Memory(bytes(physical(SECOND, text)))}
    )

    assert [volume.name for volume in found] == ["vda", "vdb", "vg0-root"]


def test_brackets_without_an_end_are_no_metadata() -> None:
    with pytest.raises(ValueError, match="brackets"):
        logical_volumes("a {" * 100_000)


def test_label_in_the_middle_of_the_last_sector_is_none() -> None:
    label = b"LABELONE".ljust(100, b"\0")

    assert read_physical(Memory(bytes(512) + label).strictly, 612) is None


@given(st.text(alphabet='ab{}[]="\\, \n#1', max_size=60))
def test_text_that_is_not_lvms_is_an_error_of_value(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert logical_volumes(text) == []


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 10)), max_size=5),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_what_is_joined_reads_like_its_parts(
    places: list[tuple[int, int]], offset: int, length: int
) -> None:
    source = Memory(bytes(range(100)))
    joined = Joined([Part(source=source, start=start, size=size) for start, size in places])
    whole = b"".join(source.content[start : start + size] for start, size in places)
    if offset + length > len(whole):
        with pytest.raises(ValueError, match="bytes at"):
            joined.read(offset, length)
        return

    assert joined.read(offset, length) == whole[offset : offset + length]
    assert sum(end - start for start, end in joined.spans_with_data()) == len(whole)
