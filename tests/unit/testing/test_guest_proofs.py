"""What the ordered writer leaves is told from what it never could have left."""

import pytest

from holdfast.testing.guest_proofs import WritesOutOfOrder, last_write
from holdfast.testing.guest_scripts import LOG_BLOCK, LOG_BLOCKS, LOG_LINE


def block(number: int, disk: str = "vda") -> bytes:
    line = f"write {number} on {disk}".ljust(LOG_LINE - 1).encode() + b"\n"
    return line * (LOG_BLOCK // LOG_LINE)


def log_after(last: int) -> bytearray:
    log = bytearray(LOG_BLOCK * LOG_BLOCKS)
    for number in range(max(1, last - LOG_BLOCKS + 1), last + 1):
        put(log, number, block(number))
    return log


def put(log: bytearray, number: int, content: bytes) -> None:
    start = number % LOG_BLOCKS * LOG_BLOCK
    log[start : start + len(content)] = content


@pytest.mark.parametrize("last", [0, 1, 7, LOG_BLOCKS - 1, LOG_BLOCKS, 3 * LOG_BLOCKS + 5])
def test_the_last_write_of_a_whole_log_is_found(last: int) -> None:
    log = log_after(last)

    found = last_write(bytes(log), "vda")

    assert found == last


def test_a_write_that_is_missing_is_noticed() -> None:
    log = log_after(9)
    put(log, 4, bytes(LOG_BLOCK))

    with pytest.raises(WritesOutOfOrder, match="0 where 4 belongs"):
        last_write(bytes(log), "vda")


def test_a_write_of_the_round_before_is_noticed() -> None:
    log = log_after(2 * LOG_BLOCKS)
    put(log, LOG_BLOCKS + 3, block(3))

    with pytest.raises(WritesOutOfOrder, match=f"3 where {LOG_BLOCKS + 3} belongs"):
        last_write(bytes(log), "vda")


def test_half_a_write_is_noticed() -> None:
    log = log_after(9)
    put(log, 9, bytes(LOG_BLOCK // 2))

    with pytest.raises(WritesOutOfOrder, match="torn"):
        last_write(bytes(log), "vda")


def test_a_write_of_the_other_disk_is_noticed() -> None:
    log = log_after(9)
    put(log, 9, block(9, "vdb"))

    with pytest.raises(WritesOutOfOrder, match="foreign"):
        last_write(bytes(log), "vda")
