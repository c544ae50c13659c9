"""Bytes of any origin become text, and nothing raises."""

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.decoding import BLOCK, blocks, encoding_of, spoken, text_of

KOREAN = "2026-03-01 오류: 디스크에 공간이 없습니다\r\n두 번째 줄\r\n" * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_korean_text_reads_the_same_in_every_encoding(encoding: str) -> None:
    read = text_of(io.BytesIO(KOREAN.encode(encoding)))

    assert read == KOREAN.replace("\r\n", "\n")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_text_without_a_mark_is_recognised(encoding: str) -> None:
    assert encoding_of("Writer name: 'System Writer'".encode(encoding)) == (encoding, 0)


def test_western_text_of_an_old_code_page_is_readable() -> None:
    assert spoken("Gerät nicht verfügbar".encode("cp1252")).startswith("Ger")


def test_head_that_ends_inside_a_letter_is_still_utf8() -> None:
    assert encoding_of("가나다".encode()[:-1]) == ("utf-8", 0)


def test_blocks_end_at_line_ends() -> None:
    lines = b"".join(b"%07d %s\n" % (number, b"x" * 91) for number in range(30_000))

    cut = list(blocks(io.BytesIO(lines)))

    assert b"".join(cut) == lines
    assert len(cut) > 2
    assert all(one.endswith(b"\n") for one in cut)


def test_line_longer_than_a_block_does_not_grow_for_ever() -> None:
    pieces = list(blocks(io.BytesIO(b"x" * (5 * BLOCK))))

    assert sum(map(len, pieces)) == 5 * BLOCK
    assert max(map(len, pieces)) <= 3 * BLOCK


def test_gzipped_generation_of_a_log_reads_as_its_text() -> None:
    with from_text("old.log.gz", gzip.compress(b"line\n" * 100)).open() as stream:
        assert text_of(stream) == "line\n" * 100


def test_cut_gzip_gives_what_can_be_read() -> None:
    whole = gzip.compress(bytes(range(256)) * 4096)
    cut = from_text("cut.gz", whole[: len(whole) // 2])

    with cut.open() as stream:
        text_of(stream)
    assert cut.head() is not None


@given(st.binary(max_size=4000))
def test_any_bytes_can_be_read(raw: bytes) -> None:
    assert isinstance(text_of(io.BytesIO(raw)), str)
    assert isinstance(spoken(raw), str)


@given(st.text(max_size=500), st.integers(0, 1000), st.sampled_from(["utf-8", "utf-16", "cp949"]))
def test_any_cut_can_be_read(text: str, at: int, encoding: str) -> None:
    raw = text.encode(encoding, "replace")[:at]

    assert isinstance(text_of(io.BytesIO(raw)), str)
