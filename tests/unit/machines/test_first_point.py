"""The first point of a booted machine, and the verdicts on points."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from holdfast.machines.boot_records import Boot
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.first_point import write_first_point
from holdfast.machines.parents import newest_point
from holdfast.machines.points import Rung
from holdfast.machines.verdicts import VERDICTS, Verdict, load_verdicts, save_verdict
from holdfast.testing.vaults import open_vault, small_vault
from holdfast.testing.vm_points import OPTIONS, mixed_image, open_point, write_vm_point

MIB = 1 << 20
MOMENT = datetime(2026, 5, 1, 12, tzinfo=UTC)
BOOT = Boot(
    uuid="11111111-2222-4333-8444-555555555555",
    name="web2",
    host="qemu:///system",
    vault="memory:vault",
    point="ab" * 32,
    folder="/images/web2",
    targets=("vda",),
    made_at=MOMENT,
    checkpoint="holdfast-0123456789abcdef",
)


def test_first_point_is_the_origin_under_another_name_and_reads_nothing(tmp_path: Path) -> None:
    vault = small_vault()
    image = mixed_image(tmp_path / "vda", 5 * MIB)
    origin = open_point(vault, write_vm_point(vault, {"vda": image}))

    report = write_first_point(origin, BOOT, OPTIONS, description=b"<domain/>", taken_at=MOMENT)

    assert [disk.bytes_read for disk in report.disks] == [0]
    found = newest_point(open_vault(vault.storage), BOOT.uuid)
    assert found is not None
    assert (found.facts.name, found.facts.checkpoint) == ("web2", BOOT.checkpoint)
    (disk,) = found.facts.disks
    assert (disk.checkpoint, disk.rung) == (BOOT.checkpoint, Rung.BITMAP)
    reader = DiskReader(found.reader, "vda")
    assert bytes(reader.read(0, reader.size)) == image.read_bytes()
    assert found.reader.read_file("domain.xml") == b"<domain/>"


def test_point_is_of_the_moment_of_its_checkpoint(tmp_path: Path) -> None:
    vault = small_vault()
    image = mixed_image(tmp_path / "vda", MIB)
    origin = open_point(vault, write_vm_point(vault, {"vda": image}))

    report = write_first_point(
        origin, BOOT, replace(OPTIONS, tags=("mine",)), description=b"", taken_at=MOMENT
    )

    point = vault.load_snapshot(report.snapshot)
    assert point.taken_at == MOMENT
    assert "mine" in point.tags


def test_verdicts_are_kept_in_the_vault_oldest_first() -> None:
    vault = small_vault()
    good = Verdict(point="a", name="web", at=MOMENT, is_good=True, picture=b"\x89PNG")
    bad = msgspec.structs.replace(good, at=MOMENT.replace(hour=11), is_good=False, reason="dark")

    save_verdict(vault.files, good)
    save_verdict(vault.files, bad)

    assert load_verdicts(vault.files, ["a"], warn=pytest.fail) == [bad, good]


def test_damaged_verdict_hides_no_other() -> None:
    vault = small_vault()
    good = Verdict(point="a", name="web", at=MOMENT, is_good=True)
    save_verdict(vault.files, good)
    vault.storage.put(f"{VERDICTS}/a/{'0' * 64}", b"nothing")
    warnings: list[str] = []

    found = load_verdicts(vault.files, ["a"], warn=warnings.append)

    assert found == [good]
    assert len(warnings) == 1
