"""A disk's server that dies, falls silent, stops in mid-message or cannot read; a client that goes."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.disks import images
from holdfast.disks import nbd_haggling as haggling
from holdfast.disks import nbd_wire as wire
from holdfast.disks.errors import (
    DiskConnectionLost,
    DiskNotServed,
    DiskReplyMalformed,
    DiskRequestFailed,
    DiskServerSilent,
    ImageInUse,
)
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.nbd_haggling import Answer, Option
from holdfast.disks.nbd_server import NbdServer
from holdfast.disks.nbd_wire import BASE_ALLOCATION, Chunk, Command, Request
from holdfast.disks.serving import served_image
from holdfast.disks.spans import Span
from holdfast.testing.memory_disk import MemoryDisk
from holdfast.testing.waiting import wait_until

pytestmark = [pytest.mark.faults]

MIB = 1 << 20
FIRST = Span(0, MIB)
# What a client asks for in one request.
ASKED = 256 << 10


@contextmanager
def _server_that_says(
    path: Path, after_request: bytes, *, then_closes: bool = True
) -> Iterator[UnixAddress]:
    """Agrees to everything, waits for one request, says what it is told to, and that is it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    done = threading.Event()

    def serve() -> None:
        connection, _address = listener.accept()
        with connection, connection.makefile("rb") as heard:
            connection.sendall(
                haggling.encode_greeting()
                + haggling.encode_option_reply(Option.STRUCTURED_REPLY, Answer.ACK)
                + haggling.encode_option_reply(
                    Option.GO, Answer.INFO, haggling.encode_export_info(4 * MIB, 1)
                )
                + haggling.encode_option_reply(Option.GO, Answer.ACK)
            )
            heard.read(
                4
                + 16
                + len(
                    haggling.encode_option(
                        Option.GO, haggling.encode_go("", [haggling.Info.BLOCK_SIZE])
                    )
                )
            )
            heard.read(wire.REQUEST_SIZE)
            with suppress(BrokenPipeError):
                connection.sendall(after_request)
            if not then_closes:
                done.wait()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield UnixAddress(path=path)
    finally:
        done.set()
        thread.join()
        listener.close()


HALF_READ = (
    wire.encode_chunk(1, Chunk.DATA, 8 + ASKED, is_last=True) + wire.encode_offset(0) + bytes(1000)
)


@pytest.mark.parametrize("said", [b"", HALF_READ[:7], HALF_READ[:20], HALF_READ])
def test_server_that_goes_in_mid_message_is_a_lost_connection(tmp_path: Path, said: bytes) -> None:
    with (
        _server_that_says(tmp_path / "s", said) as address,
        NbdClient(address, contexts=()) as client,
    ):
        with pytest.raises(DiskConnectionLost):
            client.read(0, ASKED)
        with pytest.raises(DiskConnectionLost):
            client.read(0, 10)


@pytest.mark.parametrize("said", [b"", HALF_READ])
def test_server_that_falls_silent_is_given_up(tmp_path: Path, said: bytes) -> None:
    with (
        _server_that_says(tmp_path / "s", said, then_closes=False) as address,
        NbdClient(address, contexts=(), patience=2) as client,
        pytest.raises(DiskServerSilent, match="2 seconds"),
    ):
        client.read(0, ASKED)


def test_who_is_interrupted_does_not_wait_for_a_silent_server(tmp_path: Path) -> None:
    def spans() -> Iterator[Span]:
        yield Span(0, ASKED)
        raise KeyboardInterrupt

    with (
        _server_that_says(tmp_path / "s", b"", then_closes=False) as address,
        NbdClient(address, contexts=(), patience=2) as client,
    ):
        with pytest.raises(KeyboardInterrupt):
            list(client.read_many(spans()))
        with pytest.raises(DiskConnectionLost, match="by us"):
            client.read(0, 10)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request", id="another protocol"),
        pytest.param(wire.encode_simple(99), id="another request's"),
        pytest.param(wire.encode_chunk(1, Chunk.NONE, 0, is_last=True), id="nothing of it"),
        pytest.param(
            wire.encode_chunk(1, Chunk.DATA, 8 + 10, is_last=True)
            + wire.encode_offset(ASKED - 5)
            + bytes(10),
            id="beyond it",
        ),
        pytest.param(
            wire.encode_chunk(1, Chunk.DATA, 1 << 31, is_last=True) + wire.encode_offset(0),
            id="too much",
        ),
        pytest.param(
            wire.encode_chunk(1, Chunk.ERROR, 2, is_last=True) + b"xx", id="half an error"
        ),
    ],
)
def test_server_that_breaks_the_rules_is_named(tmp_path: Path, said: bytes) -> None:
    with (
        _server_that_says(tmp_path / "s", said) as address,
        NbdClient(address, contexts=()) as client,
        pytest.raises(DiskReplyMalformed),
    ):
        client.read(0, ASKED)


@pytest.mark.real
def test_qemu_killed_in_mid_read_is_a_lost_connection(tmp_path: Path) -> None:
    image, path = tmp_path / "disk.raw", tmp_path / "s"
    image.write_bytes(os.urandom(64 * MIB))
    server = subprocess.Popen(["qemu-nbd", "-t", "-r", "-f", "raw", "-k", path, image])
    with server:
        wait_until(lambda: path.exists() and _answers(path))
        with NbdClient(UnixAddress(path=path)) as client:
            walk = client.read_many([Span(0, client.size)])
            next(walk)

            server.kill()

            with pytest.raises(DiskConnectionLost):
                _exhaust(walk)


def test_source_that_fails_is_an_io_error_and_serving_goes_on(tmp_path: Path) -> None:
    disk = MemoryDisk(4 * MIB, [Span(0, 4 * MIB)], broken=Span(MIB, MIB + 1))
    heard: list[Exception] = []

    with (
        NbdServer({"": disk}, tmp_path / "s", complain=heard.append),
        NbdClient(UnixAddress(path=tmp_path / "s")) as client,
    ):
        with pytest.raises(DiskRequestFailed, match="EIO"):
            client.read(0, 4 * MIB)
        with pytest.raises(DiskRequestFailed, match="EIO"):
            _exhaust(client.read_many([Span(0, 4 * MIB)]))
        after = client.read(2 * MIB, 100)

    assert after == disk.content[2 * MIB : 2 * MIB + 100]
    assert {str(error) for error in heard} == {"the store is gone"}


@pytest.mark.real
def test_source_that_fails_is_an_io_error_to_qemu(tmp_path: Path) -> None:
    disk = MemoryDisk(4 * MIB, [Span(0, 4 * MIB)], broken=Span(MIB, MIB + 1))

    with (
        NbdServer({"": disk}, tmp_path / "s"),
        pytest.raises(HoldfastError, match="Input/output error"),
    ):
        images.convert(
            images.nbd_uri(UnixAddress(path=tmp_path / "s")),
            tmp_path / "copy.raw",
            source_format="raw",
            target_format="raw",
        )


def test_source_that_gives_too_little_is_an_io_error(tmp_path: Path) -> None:
    disk = MemoryDisk(MIB, [FIRST])
    del disk.content[1000:]

    with (
        NbdServer({"": disk}, tmp_path / "s"),
        NbdClient(UnixAddress(path=tmp_path / "s")) as client,
        pytest.raises(DiskRequestFailed, match="EIO"),
    ):
        client.read(0, MIB)


def test_clients_that_go_at_any_point_do_not_disturb_others(tmp_path: Path) -> None:
    disk, path = MemoryDisk(MIB, [FIRST]), tmp_path / "s"
    whole = b"".join(
        [
            haggling.encode_client_flags(haggling.FIXED_NEWSTYLE),
            haggling.encode_option(Option.STRUCTURED_REPLY),
            haggling.encode_option(Option.GO, haggling.encode_go("")),
            wire.encode_request(Request(Command.READ, 1, 0, MIB)) * 4,
            wire.encode_request(Request(Command.WRITE, 2, 0, 100)) + bytes(40),
        ]
    )

    with NbdServer({"": disk}, path):
        for length in range(0, len(whole) + 1, 9):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(whole[:length])
        with NbdClient(UnixAddress(path=path)) as other:
            content = other.read(0, MIB)

    assert content == disk.content


def test_server_stops_while_clients_read_nothing_and_say_half(tmp_path: Path) -> None:
    path = tmp_path / "s"
    # More than all the sockets on the way can hold.
    disk = MemoryDisk(32 * MIB, [Span(0, 32 * MIB)])
    with NbdServer({"": disk}, path):
        idle = NbdClient(UnixAddress(path=path))
        deaf = NbdClient(UnixAddress(path=path))
        walk = deaf.read_many([Span(0, 32 * MIB)], piece=4 * MIB, depth=8)
        next(walk)
        half = socket.socket(socket.AF_UNIX)
        half.connect(str(path))
        half.sendall(b"\0\0")

    with closing(half), idle, deaf:
        assert not path.exists()
        with pytest.raises(DiskConnectionLost):
            idle.read(0, 10)
        with pytest.raises(DiskConnectionLost):
            _exhaust(walk)


def test_socket_of_a_killed_server_is_taken_over_that_of_a_live_one_not(tmp_path: Path) -> None:
    disk, path = MemoryDisk(MIB, []), tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))

    with NbdServer({"": disk}, path), pytest.raises(DiskNotServed), NbdServer({"": disk}, path):
        pytest.fail("two servers have one socket")


CHILD = """
import sys
from pathlib import Path
from holdfast.base.clock import SystemClock
from holdfast.disks.serving import served_image
with served_image(Path(sys.argv[1]), Path(sys.argv[2]), format_="qcow2", clock=SystemClock()):
    print("served", flush=True)
    sys.stdin.read()
"""


@pytest.mark.real
def test_qemu_ends_with_the_process_that_serves_by_it(tmp_path: Path) -> None:
    image, path = tmp_path / "disk.qcow2", tmp_path / "s"
    images.create(image, MIB)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, image, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"served\n"
        assert _answers(path)

        child.send_signal(signal.SIGKILL)

        # It has let go of the image too.
        wait_until(lambda: not _answers(path))
    wait_until(lambda: _can_be_written(image, tmp_path / "other"))


def _exhaust(walk: Iterator[object]) -> None:
    for _piece in walk:
        pass


def _answers(path: Path) -> bool:
    try:
        NbdClient(UnixAddress(path=path), contexts=(BASE_ALLOCATION,)).close()
    except HoldfastError:
        return False
    return True


def _can_be_written(image: Path, path: Path) -> bool:
    try:
        with served_image(image, path, format_="qcow2", clock=SystemClock(), is_writable=True):
            return True
    except ImageInUse:
        return False
