"""Messages between two processes, or here two ends."""

import threading
from collections import deque

import pytest

from holdfast.vault.pipes import open_pipe


@pytest.mark.parametrize("size", [0, 1, 16 << 10, (16 << 10) + 1, 3 << 20])
def test_messages_arrive_whole_and_in_order(size: int) -> None:
    source, target = open_pipe()
    sent = [bytes([number]) * size for number in range(3)]
    writer = threading.Thread(target=lambda: deque(map(target.send_bytes, sent)))

    writer.start()
    received = [source.recv_bytes() for _ in sent]
    writer.join()

    assert received == sent


def test_values_arrive_as_they_were() -> None:
    source, target = open_pipe()

    target.send((True, {"a": [1, None]}))

    assert source.recv() == (True, {"a": [1, None]})


def test_the_end_is_told_when_nobody_writes_any_more() -> None:
    source, target = open_pipe()
    target.send_bytes(b"last")

    target.close()

    assert source.recv_bytes() == b"last"
    with pytest.raises(EOFError):
        source.recv_bytes()


def test_a_writer_that_dies_within_a_message_leaves_no_half_of_it() -> None:
    source, target = open_pipe()
    target._write(b"\x08\0\0\0\0\0\0\0half")

    target.close()

    with pytest.raises(EOFError):
        source.recv_bytes()


def test_who_writes_to_nobody_is_told() -> None:
    source, target = open_pipe()
    source.close()

    with pytest.raises(BrokenPipeError):
        target.send_bytes(b"hello")


def test_a_closed_end_is_of_no_use() -> None:
    source, target = open_pipe()
    target.close()
    target.close()

    with pytest.raises(OSError, match="closed"):
        target.send_bytes(b"hello")
    source.close()
