"""Disks are read to their end though the vault takes nothing yet, and nothing is left of that."""

import os
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.disks.serving import served_image
from holdfast.disks.spans import Span
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_source import FileSource
from holdfast.machines.nbd_source import NbdSource
from holdfast.machines.point_writer import PointReport, PointWriter
from holdfast.machines.spool import Spool
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.protocol import Content
from holdfast.testing.vaults import open_vault, small_vault
from holdfast.testing.vm_points import OPTIONS, mixed_image, open_point, vm_facts
from holdfast.testing.waiting import wait_until
from holdfast.vault.repository import Repository

MIB = 1 << 20
# More packs than there are buffers for.
SIZE = 160 * MIB
PATIENCE = 90.0


class GatedStorage(ForwardingStorage):
    """Packs get no further before the gate is opened."""

    def __init__(self, inner: DirectoryStorage) -> None:
        super().__init__(inner)
        self.gate = threading.Event()

    def put(self, name: str, content: Content) -> None:
        if name.startswith("data/"):
            assert self.gate.wait(PATIENCE)
        super().put(name, content)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[GatedStorage]:
    inner = DirectoryStorage(str(tmp_path / "vault"))
    inner.create_root()
    small_vault(inner)
    gated = GatedStorage(inner)
    yield gated
    gated.gate.set()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "vda.raw"
    path.write_bytes(random.Random(1).randbytes(SIZE))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return scratch


def committed(vault: Repository, writer: PointWriter, image: Path) -> PointReport:
    facts = vm_facts({"vda": image}, name="web", time=vault.clock.now())
    return writer.commit(facts, {})


def restored(vault: Repository, report: PointReport) -> bytes:
    reader = DiskReader(open_point(vault, report), "vda")
    return bytes(reader.read(0, reader.size))


def test_a_disk_is_read_to_its_end_while_the_vault_takes_nothing(
    storage: GatedStorage, image: Path, folder: Path
) -> None:
    vault = open_vault(storage)
    spool = Spool(str(folder), lambda: 2 * SIZE)

    with PointWriter(vault, "web", replace(OPTIONS, spool=spool)) as writer:
        with FileSource(str(image)) as source:
            writer.add_disk("vda", source)
        in_sight = os.listdir(folder)
        storage.gate.set()
        report = committed(vault, writer, image)

    assert restored(vault, report) == image.read_bytes()
    assert in_sight == []


def test_without_room_for_packs_who_reads_waits_for_the_vault(
    storage: GatedStorage, image: Path, folder: Path
) -> None:
    vault = open_vault(storage)
    asked = threading.Event()

    def no_room() -> int:
        asked.set()
        return 0

    def open_then() -> None:
        if asked.wait(PATIENCE):
            storage.gate.set()

    opener = threading.Thread(target=open_then)
    opener.start()
    with PointWriter(vault, "web", replace(OPTIONS, spool=Spool(str(folder), no_room))) as writer:
        with FileSource(str(image)) as source:
            writer.add_disk("vda", source)
        report = committed(vault, writer, image)
    opener.join()

    assert asked.is_set()
    assert restored(vault, report) == image.read_bytes()


def test_places_in_the_spool_are_used_again(folder: Path) -> None:
    spool = Spool(str(folder), lambda: 1 << 40, most=40 * MIB)
    first, second, third = (memoryview(bytes([number]) * 17 * MIB) for number in (1, 2, 3))

    kept = spool.keep(first), spool.keep(second)
    refused = spool.keep(third)
    assert kept[0] is not None
    assert kept[1] is not None
    kept[0].release()
    again = spool.keep(third)

    assert refused is None
    assert again is not None
    assert again.content == third
    assert kept[1].content == second
    spool.close()


def test_what_was_kept_gives_its_room_back(folder: Path) -> None:
    spool = Spool(str(folder), lambda: 20 * MIB)
    pack = memoryview(bytes(16 * MIB))

    kept = spool.keep(pack)
    assert kept is not None
    refused = spool.keep(pack)
    kept.release()

    assert refused is None
    assert spool.keep(pack) is not None
    spool.close()


def test_a_folder_that_cannot_take_anything_keeps_nothing(folder: Path) -> None:
    spool = Spool(str(folder / "gone"), lambda: 1 << 40)

    kept = spool.keep(memoryview(bytes(MIB)))

    assert kept is None
    spool.close()


def test_a_disk_read_ahead_over_nbd_is_the_disk(tmp_path: Path) -> None:
    storage = DirectoryStorage(str(tmp_path / "vault"))
    storage.create_root()
    vault = small_vault(storage)
    image = mixed_image(tmp_path / "vda.raw", 37 * MIB + 512)
    threads = threading.active_count()

    with (
        served_image(image, tmp_path / "nbd", format_="raw", clock=SystemClock()) as address,
        NbdSource(address, "") as source,
        PointWriter(vault, "web", OPTIONS) as writer,
    ):
        writer.add_disk("vda", source)
        report = committed(vault, writer, image)

    assert restored(vault, report) == image.read_bytes()
    wait_until(lambda: threading.active_count() <= threads)


def test_spans_read_ahead_are_whole_and_in_order(tmp_path: Path) -> None:
    image = mixed_image(tmp_path / "vda.raw", 9 * MIB)
    wanted = [Span(MIB, 3 * MIB), Span(5 * MIB, 6 * MIB), Span(7 * MIB, 9 * MIB)]

    with (
        served_image(image, tmp_path / "nbd", format_="raw", clock=SystemClock()) as address,
        NbdSource(address, "") as source,
    ):
        found = [
            (span, bytes(content))
            for span, content in source.read_ahead(iter(wanted), longest=4 * MIB)
        ]

    whole = image.read_bytes()
    assert b"".join(content for _, content in found) == b"".join(
        whole[span.start : span.end] for span in wanted
    )
    assert all(content == whole[span.start : span.end] for span, content in found)
