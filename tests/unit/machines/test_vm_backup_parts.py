"""The parts of a machine's backup that need no hypervisor."""

import io
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.disks.spans import Span
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec, FirmwareSpec, TpmSpec
from holdfast.hypervisor.states import Standing, State
from holdfast.machines.auditing import Audited, audit
from holdfast.machines.backup_errors import VmOperationRunning, VmScratchUnusable
from holdfast.machines.blocks import BLOCK, BlockIds, zero_id
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.disk_source import FileSource
from holdfast.machines.drift import drift_of, spans_of
from holdfast.machines.offline import stillness_of
from holdfast.machines.points import Consistency
from holdfast.machines.scratch_guard import kept_free, reserve_of, share_of
from holdfast.machines.scratch_place import ScratchPlace, is_our_socket
from holdfast.machines.tracking import Why, reason_text
from holdfast.machines.vm_disks import chosen_disks
from holdfast.machines.vm_job import Gathered
from holdfast.machines.vm_lock import vm_lock
from holdfast.machines.vm_state import NVRAM, TPM, copy_nvram, copy_tpm
from holdfast.testing.clock import FakeClock

MIB, GIB = 1 << 20, 1 << 30
UUID = "00000000-0000-4000-8000-000000000001"


def image(path: Path, blocks: list[int]) -> Path:
    """Zero is a hole."""
    with path.open("wb") as target:
        target.truncate(BLOCK * len(blocks))
        for number, content in enumerate(blocks):
            if content:
                target.seek(BLOCK * number)
                target.write(bytes([content]) * BLOCK)
    return path


def ids_of(blocks: list[int]) -> BlockIds:
    from hashlib import sha256

    ids = (
        zero_id(BLOCK) if not each else sha256(bytes([each]) * BLOCK).digest() for each in blocks
    )
    return BlockIds(BLOCK * len(blocks), b"".join(ids))


def spec(*disks: DiskSpec, firmware: FirmwareSpec | None = None, tpm: bool = False) -> DomainSpec:
    return DomainSpec(
        name="web",
        uuid=UUID,
        kind="kvm",
        memory_bytes=MIB,
        vcpus=1,
        arch="x86_64",
        machine="q35",
        disks=disks,
        firmware=firmware or FirmwareSpec(),
        tpm=TpmSpec(model="tpm-crb", backend="emulator") if tpm else None,
    )


def disk(target: str, **facts: object) -> DiskSpec:
    usual = {"bus": "virtio", "device": "disk", "format": "qcow2", "kind": "file", "source": "/x"}
    return DiskSpec(target=target, **(usual | facts))  # type: ignore[arg-type]  # as each test says


def gathered() -> Gathered:
    return Gathered(taken_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ([1, 2, 3], [1, 2, 4], []),
        ([1, 2, 3], [1, 2, 0], []),
        ([1, 0, 3], [1, 5, 3], [(0, BLOCK)]),
    ],
)
def test_a_block_that_changed_behind_the_records_back_is_met(
    tmp_path: Path, before: list[int], now: list[int], changed: list[tuple[int, int]]
) -> None:
    source = FileSource(str(image(tmp_path / "a", now)), changed=changed)

    with source:
        found = audit(source, ids_of(before), sample=len(before))

    assert found.lie == next(
        at for at, pair in enumerate(zip(before, now, strict=True)) if len({*pair}) > 1
    )


def test_a_true_record_is_believed(tmp_path: Path) -> None:
    spans = [Span(BLOCK, BLOCK + 1), Span(3 * BLOCK, 4 * BLOCK)]
    source = FileSource(str(image(tmp_path / "a", [1, 7, 0, 9])), changed=spans)

    with source:
        assert audit(source, ids_of([1, 2, 0]), sample=4) == Audited(read=2 * BLOCK)


def test_what_is_due_is_looked_at_without_luck_and_holes_are_not_read(tmp_path: Path) -> None:
    source = FileSource(str(image(tmp_path / "a", [1, 0, 3, 4, 5])), changed=[])

    with source:
        early = audit(source, ids_of([1, 0, 9, 4, 5]), due=range(2), sample=0)
        due = audit(source, ids_of([1, 0, 9, 4, 5]), due=range(1, 3), sample=0)

    # The last one with data is looked at each time.
    assert early == Audited(read=2 * BLOCK)
    assert due.lie == 2


def test_a_cut_through_a_block_of_a_disk_that_grew_again_is_met_without_luck(
    tmp_path: Path,
) -> None:
    path = image(tmp_path / "a", [1, 2, 0, 4])
    with path.open("r+b") as target:
        target.truncate(BLOCK + BLOCK // 2)
        target.truncate(3 * BLOCK)
        target.seek(3 * BLOCK)
        target.write(bytes([4]) * BLOCK)
    source = FileSource(str(path), changed=[(3 * BLOCK, 4 * BLOCK)])

    with source:
        found = audit(source, ids_of([1, 2, 0, 5]), sample=0)

    assert found.lie == 1


def test_what_a_point_has_beyond_its_checkpoint_is_told_in_whole_blocks() -> None:
    size = 5 * BLOCK + 10

    drift = drift_of([(5, 6), (BLOCK + 1, 2 * BLOCK), (5 * BLOCK + 9, size)], size)

    assert drift == ((0, 2), (5, 1))
    assert spans_of(drift, size) == [Span(0, 2 * BLOCK), Span(5 * BLOCK, size)]
    assert spans_of(drift, BLOCK) == [Span(0, BLOCK)]
    assert drift_of([], size) == ()


def test_disks_that_others_write_to_or_that_nobody_keeps_are_left_out() -> None:
    machine = spec(
        disk("vda"),
        disk("vdb", is_shareable=True),
        disk("vdc", is_transient=True),
        disk("vdd", is_readonly=True),
        disk("sda", device="cdrom"),
        disk("vde", kind="vhostuser"),
        disk("vdf", kind="network", protocol="rbd"),
        disk("sdb", device="lun", kind="block"),
    )

    chosen, left_out = chosen_disks(machine)

    assert [each.target for each in chosen] == ["vda", "vdf"]
    assert left_out == {
        "vdb": "shared",
        "vdc": "transient",
        "vdd": "readonly",
        "vde": "vhostuser",
        "sdb": "lun",
    }


def test_a_machine_shut_down_in_order_has_sound_file_systems() -> None:
    off = stillness_of(Standing(state=State.OFF, reason="shutdown"))
    gone = stillness_of(Standing(state=State.OFF, reason="crashed"))

    assert off.consistency is Consistency.FILESYSTEM
    assert gone.consistency is Consistency.CRASH
    assert [each.code for each in gone.downgrades] == ["powered-off"]


def test_who_comes_second_learns_who_holds_a_machine_and_since_when(tmp_path: Path) -> None:
    clock = FakeClock()

    with vm_lock(str(tmp_path), UUID, clock, name="web", work="backup"):
        clock.sleep(90)
        with (
            pytest.raises(VmOperationRunning, match=r"backup by process \d+ for 1:30"),
            vm_lock(str(tmp_path), UUID, clock, name="web", work="restore"),
        ):
            pass
    with vm_lock(str(tmp_path), UUID, clock, name="web", work="restore"):
        pass


def test_uefi_variables_lie_beside_the_disks(tmp_path: Path) -> None:
    (tmp_path / "vars.fd").write_bytes(b"boot order")
    here, gone = gathered(), gathered()

    copy_nvram(spec(firmware=FirmwareSpec(nvram=str(tmp_path / "vars.fd"))), here)
    copy_nvram(spec(firmware=FirmwareSpec(nvram=str(tmp_path / "none"))), gone)

    assert here.files == {NVRAM: b"boot order"}
    assert NVRAM in gone.left_out


def test_the_state_of_a_tpm_is_one_archive_and_always_the_same(tmp_path: Path) -> None:
    state = tmp_path / UUID / "tpm2"
    state.mkdir(parents=True)
    (state / "tpm2-00.permall").write_bytes(b"sealed")
    (state / ".lock").write_bytes(b"")
    first, second, none = gathered(), gathered(), gathered()

    copy_tpm(spec(tpm=True), first, folder=tmp_path)
    copy_tpm(spec(tpm=True), second, folder=tmp_path)
    copy_tpm(spec(tpm=True), none, folder=tmp_path / "elsewhere")

    assert first.files == second.files
    with tarfile.open(fileobj=io.BytesIO(first.files[TPM])) as archive:
        assert archive.getnames() == ["tpm2/tpm2-00.permall"]
    assert TPM in none.left_out


def test_scratch_is_a_folder_that_is_there_only_meanwhile() -> None:
    # The path of a socket must be short, and those of pytest's folders are not.
    with tempfile.TemporaryDirectory() as folder:
        place = ScratchPlace.of(folder, UUID)

        with place.made():
            assert place.is_there()
            assert is_our_socket(str(place.socket))
            place.scratch_file("vda").write_bytes(b"old content")

        assert not place.is_there()
        assert not is_our_socket("/run/other.sock")


def test_a_socket_that_no_program_could_use_is_refused_before_anything_begins(
    tmp_path: Path,
) -> None:
    place = ScratchPlace.of(str(tmp_path / ("x" * 100)), UUID)

    with pytest.raises(VmScratchUnusable), place.made():
        pass


def test_the_guard_lets_scratch_files_take_a_share_of_what_was_free() -> None:
    assert kept_free(100 * GIB, 5 * GIB, 0.5) == 50 * GIB
    # Never less than what stays free anyway.
    assert kept_free(8 * GIB, 5 * GIB, 0.5) == 5 * GIB
    assert kept_free(100 * GIB, 5 * GIB, 1.0) == 5 * GIB
    assert share_of(30 * GIB, 70 * GIB) == 0.3
    assert share_of(0, 0) == 0.0


def test_the_guard_acts_while_there_is_still_room() -> None:
    assert reserve_of(1 << 30) == 512 * MIB
    assert reserve_of(100 << 30) == 5 << 30


def test_every_reason_has_words() -> None:
    assert all(reason_text(why) != why.value for why in Why)
    assert reason_text("of-a-newer-release") == "of-a-newer-release"


def test_notes_of_vaults_no_longer_used_are_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    (tmp_path / "vms").mkdir()
    notes = CheckpointNotes(str(tmp_path), UUID, clock)

    notes.note("one", "holdfast-1")
    notes.note("two", "holdfast-2")
    assert notes.of_others("one") == {"holdfast-2"}
    clock.sleep(31 * 24 * 3600)
    notes.note("three", "holdfast-3")

    assert notes.of_others("one") == {"holdfast-3"}
    (tmp_path / "vms" / f"{UUID}.checkpoints").write_bytes(b"torn")
    assert notes.of_others("one") == frozenset()


def test_checkpoints_of_replications_are_told_from_those_of_vaults(tmp_path: Path) -> None:
    (tmp_path / "vms").mkdir()
    notes = CheckpointNotes(str(tmp_path), UUID, FakeClock())

    notes.note("a-vault", "holdfast-1")
    notes.note("replica:south:acked", "holdfast-2")

    assert notes.of_replicas() == {"holdfast-2"}
    assert notes.of_others("a-vault") == {"holdfast-2"}
