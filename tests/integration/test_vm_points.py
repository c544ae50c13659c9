"""Points of virtual machines in a vault: what is stored, what is not, and that restic reads it."""

import os
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.app.prune import prune
from holdfast.machines.blocks import BLOCK
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_source import FileSource
from holdfast.machines.errors import DiskMissing, NameUnusable, NotAMachinePoint, PointFactsBroken
from holdfast.machines.point_reader import PointReader
from holdfast.machines.point_writer import PointReport, PointWriter
from holdfast.machines.progress import DiskProgress
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import PASSPHRASE, add_point, open_vault, small_vault
from holdfast.testing.vm_points import (
    DOMAIN,
    OPTIONS,
    mixed_image,
    open_point,
    overwrite,
    vm_facts,
    write_vm_point,
)
from holdfast.vault.check import CheckOptions, check
from holdfast.vault.check_subset import Subset
from holdfast.vault.index_file import packs_of
from holdfast.vault.index_writer import write_index
from holdfast.vault.layout import INDEX
from holdfast.vault.pack_header import Kind
from holdfast.vault.policy.prune import PruneLimits
from holdfast.vault.repository import Repository

MIB = 1 << 20
SEGMENT = 4 * MIB
SEGMENTED = replace(OPTIONS, segment=SEGMENT)


@pytest.fixture
def vault(tmp_path: Path) -> Repository:
    storage = DirectoryStorage(str(tmp_path / "vault"))
    storage.create_root()
    return small_vault(storage)


def restic(vault: Repository, *words: str) -> str:
    done = subprocess.run(
        ["restic", "-r", vault.storage.place, "--no-cache", *words],
        env={**os.environ, "RESTIC_PASSWORD": PASSPHRASE.reveal().decode()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def content_of(vault: Repository, report: PointReport, target: str = "vda") -> bytes:
    reader = DiskReader(open_point(vault, report), target)
    return bytes(reader.read(0, reader.size))


def forget_packs_of(vault: Repository, kind: Kind) -> None:
    """Let no index name these any more, as after the loss of packs and a repair."""
    for name in list(vault.files.names(INDEX)):
        packs = list(packs_of(name, vault.files.load(INDEX, name)))
        write_index(vault.files, [pack for pack in packs if pack[1][0].kind is not kind])
        vault.files.delete(INDEX, name)
    vault.forget_index()


def assert_sound(vault: Repository) -> None:
    everything = CheckOptions(read=Subset(), workers=1, note=False)
    assert check(open_vault(vault.storage), everything).damage == ()


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine")
@pytest.mark.parametrize(
    "size", [9 * MIB, 4 * MIB, 9 * MIB + 512, 3 * MIB + 1, 0], ids=lambda size: f"{size} bytes"
)
def test_restic_checks_and_restores_the_very_image(
    vault: Repository, tmp_path: Path, size: int
) -> None:
    images = {
        "vda": mixed_image(tmp_path / "vda.raw", size),
        "vdb": mixed_image(tmp_path / "vdb.raw", 2 * MIB, seed=2),
    }
    write_vm_point(vault, images, options=SEGMENTED)

    assert "no errors were found" in restic(vault, "check", "--read-data")
    restic(vault, "restore", "latest", "--target", str(tmp_path / "back"))

    disks = tmp_path / "back/vm/web/disks"
    parts = sorted(disks.glob("vda.raw.d/*/*.raw")) or [disks / "vda.raw"]
    assert b"".join(part.read_bytes() for part in parts) == images["vda"].read_bytes()
    assert len(parts) == max(1, -(-size // SEGMENT))
    assert (disks / "vdb.raw").read_bytes() == images["vdb"].read_bytes()
    assert (tmp_path / "back/vm/web/.holdfast/domain.xml").read_bytes() == DOMAIN


def test_a_point_says_what_it_is(vault: Repository, tmp_path: Path) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 2 * MIB)}

    report = write_vm_point(vault, images)

    point = open_point(vault, report)
    assert (point.facts.name, point.facts.files) == ("web", ("domain.xml",))
    assert (point.disks, point.files) == (("vda",), ("domain.xml",))
    assert point.read_file("domain.xml") == DOMAIN
    stored = point.snapshot.stored
    assert (stored.hostname, stored.paths) == ("alpha", ["/vm/web"])
    assert stored.tags == ["holdfast:vm", "class:crash"]


def test_names_of_any_letters_are_read_back(vault: Repository, tmp_path: Path) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", MIB)}

    report = write_vm_point(vault, images, name='Büro "1"\n')

    assert open_point(vault, report).facts.name == 'Büro "1"\n'


def test_an_incremental_reads_and_stores_what_changed_and_little_else(
    vault: Repository, tmp_path: Path
) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 40 * MIB)}
    first = write_vm_point(vault, images, options=SEGMENTED)
    noise = random.Random(5).randbytes(3000)
    changed = overwrite(images["vda"], (10 * MIB + 77, noise), (21 * MIB - 5, noise))

    second = write_vm_point(
        vault,
        images,
        parent=open_point(vault, first),
        changed={"vda": changed},
        options=SEGMENTED,
    )

    assert second.disks[0].bytes_read == 3 * BLOCK
    assert second.summary.data_blobs <= 4  # those blocks, and the facts
    # Two of ten segments, and the folders above them.
    assert (second.summary.files_changed, second.summary.files_unmodified) == (2, 8)
    assert second.summary.tree_blobs <= 8
    assert content_of(vault, second) == images["vda"].read_bytes()
    assert_sound(vault)


def test_nothing_changed_stores_no_block(vault: Repository, tmp_path: Path) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 9 * MIB)}
    first = write_vm_point(vault, images)

    second = write_vm_point(vault, images, parent=open_point(vault, first), changed={"vda": []})

    assert second.disks[0].bytes_read == 0
    assert second.summary.data_added_packed < 10_000
    assert content_of(vault, second) == images["vda"].read_bytes()


def test_without_a_map_of_changes_all_is_read_and_only_what_is_new_is_stored(
    vault: Repository, tmp_path: Path
) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 9 * MIB)}
    first = write_vm_point(vault, images)
    overwrite(images["vda"], (5 * MIB, random.Random(6).randbytes(MIB)))

    second = write_vm_point(vault, images, parent=open_point(vault, first))

    assert second.summary.data_blobs <= 2
    assert second.disks[0].bytes_read > 2 * MIB
    assert content_of(vault, second) == images["vda"].read_bytes()


@pytest.mark.parametrize("before", [0, 3 * MIB + 10, 4 * MIB, 8 * MIB, 9 * MIB + 1])
@pytest.mark.parametrize("after", [0, 3 * MIB + 11, 4 * MIB, 8 * MIB - 1, 13 * MIB])
def test_a_disk_that_was_resized_is_right_with_only_its_changes_told(
    vault: Repository, tmp_path: Path, before: int, after: int
) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", before)}
    first = write_vm_point(vault, images, options=SEGMENTED)
    os.truncate(images["vda"], after)
    changed = []
    if after > before:
        noise = random.Random(7).randbytes(after - before)
        changed = overwrite(images["vda"], (before, noise[: len(noise) // 2]))

    second = write_vm_point(
        vault,
        images,
        parent=open_point(vault, first),
        changed={"vda": changed},
        options=SEGMENTED,
    )

    assert content_of(vault, second) == images["vda"].read_bytes()
    assert_sound(vault)


@pytest.mark.parametrize("is_hole", [True, False])
@pytest.mark.parametrize("size", [MIB, 5 * MIB, 5 * MIB + 700])
def test_a_disk_of_zeros_takes_no_room(
    vault: Repository, tmp_path: Path, size: int, is_hole: bool
) -> None:
    image = tmp_path / "vda.raw"
    image.write_bytes(bytes(size))
    if is_hole:
        image.write_bytes(b"")
        os.truncate(image, size)

    report = write_vm_point(vault, {"vda": image})

    assert report.summary.data_added_packed < 10_000
    assert content_of(vault, report) == bytes(size)
    assert_sound(vault)


def test_a_change_to_zeros_is_a_change(vault: Repository, tmp_path: Path) -> None:
    images = {"vda": tmp_path / "vda.raw"}
    images["vda"].write_bytes(random.Random(8).randbytes(4 * MIB))
    first = write_vm_point(vault, images)
    changed = overwrite(images["vda"], (MIB, bytes(2 * MIB)))

    second = write_vm_point(
        vault, images, parent=open_point(vault, first), changed={"vda": changed}
    )

    assert content_of(vault, second) == images["vda"].read_bytes()


def test_blocks_the_vault_has_lost_are_read_again(vault: Repository, tmp_path: Path) -> None:
    images = {"vda": tmp_path / "vda.raw"}
    images["vda"].write_bytes(random.Random(9).randbytes(6 * MIB))
    first = write_vm_point(vault, images, options=SEGMENTED)
    forget_packs_of(vault, Kind.DATA)

    parent = open_point(vault, first)
    second = write_vm_point(vault, images, parent=parent, changed={"vda": []}, options=SEGMENTED)

    assert second.disks[0].damage is None
    assert content_of(vault, second) == images["vda"].read_bytes()


def test_a_parent_that_cannot_be_read_costs_a_full_read_and_no_point(
    vault: Repository, tmp_path: Path
) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 6 * MIB)}
    first = write_vm_point(vault, images, options=SEGMENTED)
    forget_packs_of(vault, Kind.TREE)

    parent = open_point(vault, first)
    second = write_vm_point(vault, images, parent=parent, changed={"vda": []}, options=SEGMENTED)

    assert second.disks[0].damage is not None
    assert second.disks[0].damage.code == "blob-missing"
    assert content_of(vault, second) == images["vda"].read_bytes()


def test_a_new_disk_beside_an_old_one_is_read_in_full(vault: Repository, tmp_path: Path) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 3 * MIB)}
    first = write_vm_point(vault, images)
    images["vdb"] = mixed_image(tmp_path / "vdb.raw", 3 * MIB, seed=4)

    second = write_vm_point(
        vault,
        images,
        parent=open_point(vault, first),
        changed={"vda": [], "vdb": []},
    )

    assert content_of(vault, second, "vda") == images["vda"].read_bytes()
    assert content_of(vault, second, "vdb") == images["vdb"].read_bytes()


def test_many_threads_store_what_one_does(vault: Repository, tmp_path: Path) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 40 * MIB, seed=3)}

    report = write_vm_point(vault, images, options=replace(OPTIONS, workers=7))

    again = write_vm_point(vault, images, options=replace(OPTIONS, workers=1))
    assert again.summary.data_blobs <= 1
    assert content_of(vault, report) == images["vda"].read_bytes()
    assert_sound(vault)


def test_progress_ends_at_the_size_of_the_disk(vault: Repository, tmp_path: Path) -> None:
    seen: list[DiskProgress] = []
    images = {"vda": mixed_image(tmp_path / "vda.raw", 9 * MIB + 5)}

    write_vm_point(vault, images, options=replace(OPTIONS, on_progress=seen.append))

    assert seen[-1] == DiskProgress(disk="vda", done=9 * MIB + 5, total=9 * MIB + 5)
    assert [each.done for each in seen] == sorted(each.done for each in seen)


def test_points_of_machines_are_forgotten_and_pruned_like_any_other(
    vault: Repository, tmp_path: Path
) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 9 * MIB)}
    add_point(vault, {"a": b"beside"})
    first = write_vm_point(vault, images)
    parent = open_point(vault, first)
    changed = overwrite(images["vda"], (MIB, random.Random(3).randbytes(3 * MIB)))
    second = write_vm_point(vault, images, parent=parent, changed={"vda": changed})
    vault.delete_snapshot(first.snapshot)

    prune(open_vault(vault.storage), limits=PruneLimits(max_unused=0))

    fresh = open_vault(vault.storage)
    assert content_of(fresh, second) == images["vda"].read_bytes()
    assert_sound(vault)
    after = overwrite(images["vda"], (0, b"x"))
    third = write_vm_point(fresh, images, parent=open_point(fresh, second), changed={"vda": after})
    assert third.disks[0].bytes_read <= 2 * BLOCK
    assert content_of(open_vault(vault.storage), third) == images["vda"].read_bytes()


@pytest.mark.parametrize("seed", range(3))
def test_a_chain_of_points_is_the_disk_at_each_instant(
    vault: Repository, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    size = 11 * MIB + 300
    images = {"vda": mixed_image(tmp_path / "vda.raw", size, seed=seed)}
    reports = [write_vm_point(vault, images, options=SEGMENTED)]
    contents = [images["vda"].read_bytes()]

    for _ in range(5):
        changes = [
            (dice.randrange(size - 90_000), dice.choice((bytes(90_000), dice.randbytes(70_000))))
            for _ in range(dice.randrange(4))
        ]
        changed = overwrite(images["vda"], *changes)
        parent = open_point(vault, reports[-1])
        told = {"vda": changed}
        options = replace(SEGMENTED, workers=dice.choice((1, 3)))
        reports.append(write_vm_point(vault, images, parent=parent, changed=told, options=options))
        contents.append(images["vda"].read_bytes())

    fresh = open_vault(vault.storage)
    assert [content_of(fresh, report) for report in reports] == contents
    assert_sound(vault)


def test_the_segments_of_a_disk_are_read_together(vault: Repository, tmp_path: Path) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 60 * MIB)}
    report = write_vm_point(vault, images, options=replace(OPTIONS, segment=MIB))
    storage = FaultyStorage(vault.storage)
    point = open_point(open_vault(storage), report)
    assert point.disks == ("vda",)
    before = storage.calls

    assert len(point.disk("vda").segments) == 60

    assert storage.calls - before <= 5


def test_after_an_error_of_one_disk_there_is_no_point(vault: Repository, tmp_path: Path) -> None:
    images = {"vda": mixed_image(tmp_path / "vda.raw", 2 * MIB)}
    facts = vm_facts(images, name="web", time=vault.clock.now())

    with PointWriter(vault, "web", OPTIONS) as writer, FileSource(str(images["vda"])) as source:
        with pytest.raises(NameUnusable):
            writer.add_disk("../vda", source)
        with pytest.raises(AssertionError):
            writer.commit(facts, {})

    assert vault.snapshots() == []


def test_a_point_of_files_is_no_machine(vault: Repository) -> None:
    point = PointReader(vault, add_point(vault, {"a": b"content"}))

    with pytest.raises(NotAMachinePoint):
        _ = point.facts
    with pytest.raises(NotAMachinePoint):
        point.disk("vda")


def test_a_disk_that_is_not_there_is_named_with_those_that_are(
    vault: Repository, tmp_path: Path
) -> None:
    report = write_vm_point(vault, {"vda": mixed_image(tmp_path / "vda.raw", MIB)})

    with pytest.raises(DiskMissing, match="vdz, it has vda"):
        open_point(vault, report).disk("vdz")


def test_damaged_facts_of_a_point_say_so(vault: Repository) -> None:
    files = {"vm/web/.holdfast/point.json": b'{"version": 1', "vm/web/disks/vda.raw": b""}
    point = PointReader(vault, add_point(vault, files))

    with pytest.raises(PointFactsBroken):
        _ = point.facts
    assert point.disk("vda").blocks.size == 0
