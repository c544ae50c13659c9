"""One suite for the client over both servers, QEMU's and ours; then each alone with stock tools."""

import json
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.disks import images
from holdfast.disks import nbd_haggling as haggling
from holdfast.disks import nbd_wire as wire
from holdfast.disks.errors import (
    BitmapMissing,
    DiskContextMissing,
    DiskExportMissing,
    DiskReadOnly,
    DiskRequestOutside,
    DiskServerUnreachable,
)
from holdfast.disks.nbd_address import TcpAddress, UnixAddress
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.nbd_greeting import agree
from holdfast.disks.nbd_haggling import Option
from holdfast.disks.nbd_server import NbdServer
from holdfast.disks.nbd_session import Session
from holdfast.disks.nbd_stream import NbdStream
from holdfast.disks.nbd_wire import BASE_ALLOCATION, Command, Request
from holdfast.disks.serving import bitmap_context, served_image
from holdfast.disks.source import Layout
from holdfast.disks.spans import Span, merged
from holdfast.testing.memory_disk import MemoryDisk

pytestmark = pytest.mark.real

KIB, MIB = 1 << 10, 1 << 20
SIZE = 24 * MIB
DATA = [Span(0, MIB), Span(3 * MIB, 3 * MIB + 64 * KIB), Span(10 * MIB, 17 * MIB)]


@pytest.fixture(scope="module")
def disk() -> MemoryDisk:
    return MemoryDisk(SIZE, DATA)


@pytest.fixture(scope="module")
def ours(disk: MemoryDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixAddress]:
    path = tmp_path_factory.mktemp("ours") / "socket"
    with NbdServer({"vda": disk, "empty": MemoryDisk(MIB, [])}, path):
        yield UnixAddress(path=path)


@pytest.fixture(scope="module")
def image(disk: MemoryDisk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same content as a qcow2 image."""
    folder = tmp_path_factory.mktemp("image")
    raw, image = folder / "disk.raw", folder / "disk.qcow2"
    with raw.open("wb") as file:
        file.truncate(SIZE)
        for start, end in DATA:
            file.seek(start)
            file.write(disk.content[start:end])
    images.convert(raw, image, source_format="raw", target_format="qcow2")
    return image


@pytest.fixture(scope="module")
def qemu(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixAddress]:
    path = tmp_path_factory.mktemp("qemu") / "socket"
    with served_image(image, path, format_="qcow2", clock=SystemClock()) as address:
        yield address


@pytest.fixture(params=["ours", "qemu"])
def client(request: pytest.FixtureRequest) -> Iterator[NbdClient]:
    address = request.getfixturevalue(request.param)
    with NbdClient(address, "vda" if request.param == "ours" else "") as client:
        yield client


def test_size_and_rights_are_told(client: NbdClient) -> None:
    assert client.size == SIZE
    assert not client.can_write
    assert BASE_ALLOCATION in client.contexts


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, 512), (MIB - 7, 14), (3 * MIB - 1, 64 * KIB + 2), (0, SIZE), (SIZE - 1, 1), (5, 0)],
)
def test_reads_are_byte_for_byte(
    client: NbdClient, disk: MemoryDisk, offset: int, length: int
) -> None:
    assert client.read(offset, length) == disk.content[offset : offset + length]


def test_pieces_come_in_order_and_whole(client: NbdClient, disk: MemoryDisk) -> None:
    wanted = [Span(100, 5 * MIB + 3), Span(9 * MIB, SIZE)]
    seen: list[Span] = []

    for span, content in client.read_many(wanted, piece=MIB, depth=4):
        assert content == disk.content[span.start : span.end]
        seen.append(span)

    assert merged(seen) == wanted
    assert all(one.end <= other.start for one, other in pairwise(seen))


def test_client_is_good_for_more_after_a_walk_that_was_left(
    client: NbdClient, disk: MemoryDisk
) -> None:
    walk = client.read_many([Span(0, SIZE)])
    next(walk)

    walk.close()

    assert client.read(10 * MIB, 100) == disk.content[10 * MIB : 10 * MIB + 100]


def test_status_tells_data_from_holes(client: NbdClient) -> None:
    told = client.status(BASE_ALLOCATION, Span(0, SIZE))

    assert [span for span, flags in told if not flags] == DATA
    assert merged(span for span, _flags in told) == [Span(0, SIZE)]


def test_status_of_a_part_is_clipped(client: NbdClient) -> None:
    told = client.status(BASE_ALLOCATION, Span(512 * KIB, 2 * MIB))

    assert told == [(Span(512 * KIB, MIB), 0), (Span(MIB, 2 * MIB), 3)]


def test_what_is_outside_is_refused_before_it_is_asked(client: NbdClient) -> None:
    with pytest.raises(DiskRequestOutside):
        client.read(SIZE - 10, 11)
    with pytest.raises(DiskRequestOutside):
        client.status(BASE_ALLOCATION, Span(0, SIZE + 1))


def test_writing_to_what_may_only_be_read_is_refused(client: NbdClient) -> None:
    with pytest.raises(DiskReadOnly):
        client.write(0, b"x")
    with pytest.raises(DiskReadOnly):
        client.write_zeroes(0, 512)


def test_context_that_is_not_there_is_named(client: NbdClient) -> None:
    with pytest.raises(DiskContextMissing, match="dirty-bitmap:b0"):
        client.status(bitmap_context("b0"), Span(0, SIZE))


@pytest.mark.parametrize("server", ["ours", "qemu"])
def test_export_that_is_not_there_is_named(server: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(DiskExportMissing, match="nothing"):
        NbdClient(request.getfixturevalue(server), "nothing")


def test_nobody_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DiskServerUnreachable):
        NbdClient(UnixAddress(path=tmp_path / "none"))


def test_what_is_written_through_qemu_is_read_back(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    images.create(image, 8 * MIB)
    big = bytes(range(256)) * (12 * KIB)

    with (
        served_image(
            image, tmp_path / "s", format_="qcow2", clock=SystemClock(), is_writable=True
        ) as address,
        NbdClient(address) as client,
    ):
        client.write_many([(64 * KIB, big), (4 * MIB, b"here")])
        client.write_zeroes(64 * KIB, 64 * KIB)
        client.trim(MIB, 64 * KIB)
        client.flush()
        written = client.read(0, 8 * MIB)
        told = client.status(BASE_ALLOCATION, Span(0, 8 * MIB))

    expected = bytearray(8 * MIB)
    expected[64 * KIB : 64 * KIB + len(big)] = big
    expected[64 * KIB : 128 * KIB] = bytes(64 * KIB)
    expected[MIB : MIB + 64 * KIB] = bytes(64 * KIB)
    expected[4 * MIB : 4 * MIB + 4] = b"here"
    assert written == expected
    assert told[0] == (Span(0, 128 * KIB), 3)
    assert images.check(image, format_="qcow2").is_sound


def test_dirty_bitmap_tells_what_was_written_since(tmp_path: Path) -> None:
    image, path = tmp_path / "disk.qcow2", tmp_path / "s"
    images.create(image, 8 * MIB)
    images.add_bitmap(image, "since")
    clock = SystemClock()
    with (
        served_image(image, path, format_="qcow2", clock=clock, is_writable=True) as address,
        NbdClient(address) as client,
    ):
        client.write(MIB, b"x" * 100)
        client.write(5 * MIB, b"x" * (64 * KIB + 1))

    context = bitmap_context("since")
    with (
        served_image(image, path, format_="qcow2", clock=clock, bitmap="since") as address,
        NbdClient(address, contexts=(BASE_ALLOCATION, context)) as client,
    ):
        told = client.status(context, Span(0, 8 * MIB))
        both = client.contexts

    dirty = [span for span, flags in told if flags]
    assert dirty == [Span(MIB, MIB + 64 * KIB), Span(5 * MIB, 5 * MIB + 128 * KIB)]
    assert both == {BASE_ALLOCATION, context}


def test_bitmap_that_is_not_there_is_named(image: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(BitmapMissing, match="since"),
        served_image(image, tmp_path / "s", format_="qcow2", clock=SystemClock(), bitmap="since"),
    ):
        pytest.fail("it was served")


def test_stock_map_is_ours(ours: UnixAddress) -> None:
    said = _tool("nbdinfo", "--map", "--json", images.nbd_uri(ours, "vda"))

    told = [(Span(e["offset"], e["offset"] + e["length"]), e["type"]) for e in json.loads(said)]
    assert [span for span, kind in told if kind == 0] == DATA
    assert merged(span for span, _kind in told) == [Span(0, SIZE)]


def test_stock_list_names_every_disk(ours: UnixAddress) -> None:
    said = json.loads(_tool("nbdinfo", "--list", "--json", images.nbd_uri(ours)))

    assert [export["export-name"] for export in said["exports"]] == ["vda", "empty"]


def test_stock_copy_over_several_connections_is_whole(
    ours: UnixAddress, disk: MemoryDisk, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.raw"

    _tool("nbdcopy", "--connections=4", "--requests=16", images.nbd_uri(ours, "vda"), str(copy))

    assert copy.read_bytes() == disk.content


def test_client_of_the_oldest_kind_reads_the_same(ours: UnixAddress, disk: MemoryDisk) -> None:
    old = haggling.encode_client_flags(haggling.FIXED_NEWSTYLE)
    asked = haggling.encode_option(Option.EXPORT_NAME, b"vda")
    request = wire.encode_request(Request(Command.READ, 7, MIB - 100, 3 * MIB))
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(ours.path))
        connection.sendall(old + asked + request)
        answer = connection.makefile("rb")

        greeting = answer.read(haggling.GREETING_SIZE + 10 + 124)
        reply = wire.decode_reply(answer.read(wire.REPLY_SIZE))
        content = answer.read(3 * MIB)

    assert greeting.startswith(haggling.encode_greeting())
    assert (reply.cookie, reply.error, reply.is_structured) == (7, 0, False)
    assert content == disk.content[MIB - 100 : 4 * MIB - 100]


def test_qemu_copies_and_finds_no_difference(
    ours: UnixAddress, image: Path, tmp_path: Path
) -> None:
    copy, uri = tmp_path / "copy.qcow2", images.nbd_uri(ours, "vda")

    images.convert(uri, copy, source_format="raw", target_format="qcow2")

    assert images.are_same(copy, image, one_format="qcow2", other_format="qcow2")
    assert images.are_same(uri, image, one_format="raw", other_format="qcow2")


def test_image_based_on_ours_is_written_and_then_stands_alone(
    ours: UnixAddress, disk: MemoryDisk, tmp_path: Path
) -> None:
    top, uri = tmp_path / "top.qcow2", images.nbd_uri(ours, "vda")
    images.create(top, backing=uri, backing_format="raw")

    with (
        served_image(
            top, tmp_path / "s", format_="qcow2", clock=SystemClock(), is_writable=True
        ) as address,
        NbdClient(address) as client,
    ):
        client.write(MIB - 2, b"over")
        seen = client.read(0, SIZE)
    images.rebase(top, None)

    expected = bytearray(disk.content)
    expected[MIB - 2 : MIB + 2] = b"over"
    assert seen == expected
    assert images.inspect(top).depth == 1
    raw = tmp_path / "top.raw"
    images.convert(top, raw, source_format="qcow2", target_format="raw")
    assert raw.read_bytes() == expected


def test_disk_is_read_over_tcp(disk: MemoryDisk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(2) as crew:

        def serve() -> None:
            connection, _address = listener.accept()
            with connection:
                stream = NbdStream(connection, place="client", patience=60)
                wish = agree(stream, {"vda": disk})
                assert wish is not None
                Session(stream, wish, disk, layout=Layout(disk)).run(crew, lambda _error: None)

        served = crew.submit(serve)
        address = TcpAddress(host="127.0.0.1", port=listener.getsockname()[1])
        with NbdClient(address, "vda") as client:
            content = client.read(0, SIZE)
        served.result()

    assert content == disk.content


def test_socket_is_closed_to_other_users(ours: UnixAddress) -> None:
    assert ours.path.stat().st_mode & 0o777 == 0o600


def test_hole_is_answered_without_a_read(tmp_path: Path) -> None:
    empty = MemoryDisk(64 * MIB, [])

    with (
        NbdServer({"": empty}, tmp_path / "s"),
        NbdClient(UnixAddress(path=tmp_path / "s")) as client,
    ):
        content = client.read(32 * MIB, 4 * MIB)

    assert not any(content)
    assert empty.reads == []


def _tool(*arguments: str) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
