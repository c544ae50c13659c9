"""The facts of a point: written, read, and damaged."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.machines.errors import PointFactsBroken, PointFactsNewer
from holdfast.machines.points import (
    AgentFacts,
    Consistency,
    DiskFacts,
    Downgrade,
    Mode,
    Rung,
    VmPoint,
    encode_point,
    parse_point,
)

FACTS = VmPoint(
    version=1,
    name="web",
    uuid="6b1c3f0e-0000-4000-8000-000000000001",
    taken_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    consistency=Consistency.FILESYSTEM,
    downgrades=(Downgrade(code="hook-failed", reason="postgresql: exit status 1"),),
    disks=(
        DiskFacts(
            target="vda",
            size=10 << 30,
            format="qcow2",
            bus="virtio",
            mode=Mode.INCREMENTAL,
            rung=Rung.BITMAP,
            why="the checkpoint is there and consistent",
            checkpoint="holdfast-0123456789abcdef",
        ),
        DiskFacts(target="vdb", size=5),
    ),
    left_out={"sdc": "a CD-ROM"},
    agent=AgentFacts(version="7.2.0", frozen=2, thawed=2),
    files=("domain.xml", "nvram"),
)


def test_what_is_written_is_read() -> None:
    assert parse_point("0123", encode_point(FACTS)) == FACTS


def test_a_disk_is_found_by_its_target() -> None:
    assert FACTS.disk("vdb") == FACTS.disks[1]
    assert FACTS.disk("vdc") is None


def test_fields_of_later_versions_are_no_damage() -> None:
    content = encode_point(FACTS).replace(b'"name"', b'"colour": {"a": [1]}, "name"', 1)

    assert parse_point("0123", content) == FACTS


def test_a_newer_version_is_not_guessed_at() -> None:
    content = encode_point(FACTS).replace(b'"version": 1', b'"version": 2', 1)

    with pytest.raises(PointFactsNewer) as caught:
        parse_point("0123", content)

    assert caught.value.code == "vm-point-newer"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        encode_point(FACTS)[:-20],
        encode_point(FACTS).replace(b'"filesystem"', b'"perfect"'),
        encode_point(FACTS).replace(b"2026-03-04", b"2026-13-04"),
    ],
)
def test_damaged_facts_are_an_error_with_the_point(content: bytes) -> None:
    with pytest.raises(PointFactsBroken, match="0123") as caught:
        parse_point("0123", content)

    assert caught.value.code == "vm-point-broken"


@given(st.binary(max_size=60), st.integers(0, len(encode_point(FACTS))))
def test_no_bytes_are_anything_but_facts_or_our_error(junk: bytes, at: int) -> None:
    whole = encode_point(FACTS)

    with contextlib.suppress(PointFactsBroken, PointFactsNewer):
        parse_point("0123", whole[:at] + junk + whole[at + len(junk) :])
