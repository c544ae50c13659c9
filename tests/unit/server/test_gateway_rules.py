"""What the gateway decides without a request: what a path names, how long bytes wait."""

from dataclasses import replace

import pytest

from holdfast.app.control.gateway import MachineRepository
from holdfast.base.units import KIB, MIB
from holdfast.server.gateway.names import Folder, parse_target
from holdfast.server.gateway.pacing import Pacing, piece_size

ID = "ab" * 32
FREE = MachineRepository(
    vault_id="v",
    machine_id="m",
    location="memory:v",
    is_lab=False,
    trash_days=14,
    min_age_days=0,
    machine_quota=None,
    vault_quota=None,
    machine_rate=None,
    vault_rate=None,
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v/m/config", "config"),
        (f"/v/m/data/{ID}", f"data/ab/{ID}"),
        (f"/v/m/locks/{ID}", f"locks/{ID}"),
        (f"/v/m/holdfast/ledger/{ID}", f"holdfast/ledger/{ID}"),
    ],
)
def test_a_path_names_a_file_of_the_storage(path: str, name: str) -> None:
    target = parse_target(path)

    assert target is not None
    assert target.is_file
    assert target.name == name


def test_a_folder_and_a_repository_are_no_files() -> None:
    folder, repository = parse_target("/v/m/data/"), parse_target("/v/m/")

    assert folder is not None
    assert (folder.folder, folder.is_file) == (Folder.DATA, False)
    assert repository is not None
    assert repository.folder is None


@pytest.mark.parametrize(
    "path",
    ["", "/", "/v", "v/m/config", "/v/../config", "/v/m//config", f"/v/m/data/{ID.upper()}",
     f"/v/m/data/{ID}/", f"/v/m/data/ab/{ID}", "/v/m/config/x", "/v/m/secret"],
)  # fmt: skip
def test_other_paths_name_nothing(path: str) -> None:
    target = parse_target(path)

    assert target is None or path.endswith(f"{ID}/")


def test_without_a_rate_nothing_waits() -> None:
    assert Pacing().delay(FREE, 100 * MIB, 0.0) == 0.0
    assert piece_size(FREE) == MIB


def test_a_machine_keeps_to_its_rate() -> None:
    pacing, limited = Pacing(), replace(FREE, machine_rate=MIB)

    delays = [pacing.delay(limited, MIB, 10.0) for _ in range(3)]

    assert delays == pytest.approx([0.9, 1.9, 2.9])


def test_machines_at_work_share_the_rate_of_their_vault() -> None:
    pacing = Pacing()
    one, other = replace(FREE, vault_rate=MIB), replace(FREE, vault_rate=MIB, machine_id="n")
    pacing.delay(one, 1, 10.0)
    pacing.delay(other, 1, 10.0)

    delays = [pacing.delay(machine, MIB, 10.0) for machine in (one, other)]
    alone = pacing.delay(one, MIB, 100.0)

    assert delays == pytest.approx([1.9, 1.9], abs=0.01)
    assert alone == pytest.approx(0.9)


def test_pieces_are_small_where_the_rate_is() -> None:
    assert piece_size(replace(FREE, vault_rate=MIB)) == MIB // 8
    assert piece_size(replace(FREE, vault_rate=MIB, machine_rate=100)) == 16 * KIB
