"""After a repair dropped data, the next backup stores it again, whatever its caches believe."""

import random
from pathlib import Path

import pytest

from holdfast.testing.backups import BackupBench
from holdfast.testing.damage import HARMS
from holdfast.testing.trees import build_small_tree
from holdfast.vault.check import CheckOptions, check
from holdfast.vault.check_findings import CheckReport
from holdfast.vault.check_subset import Subset
from holdfast.vault.layout import DATA, INDEX
from holdfast.vault.repair import Repair
from holdfast.vault.repair_planning import RepairOptions

pytestmark = pytest.mark.faults


@pytest.fixture
def bench(tmp_path: Path) -> BackupBench:
    bench = BackupBench(root=tmp_path)
    build_small_tree(bench.source, 1, files=30)
    bench.write("large", random.Random(1).randbytes(5 << 20))
    bench.back_up()
    bench.write("more", b"more" * 1000)
    bench.back_up()
    return bench


def checked(bench: BackupBench) -> CheckReport:
    return check(bench.open(), CheckOptions(read=Subset(), note=False))


@pytest.mark.parametrize("forget", [True, False])
@pytest.mark.parametrize("harm", ["flip-start", "truncate", "delete"])
def test_the_next_backup_holds_every_file_again(
    bench: BackupBench, harm: str, forget: bool
) -> None:
    for entry in list(bench.storage.list(DATA)):
        HARMS[harm](bench.storage, entry.name)
    Repair(bench.open(), RepairOptions(read=Subset(), forget=forget)).apply(lambda: None)

    report = bench.back_up()

    assert bench.differences(report) == []
    # Points that were kept may even be whole again: a backup stores lost blobs anew.
    assert not (forget and checked(bench).is_damaged)


def test_the_next_backup_holds_every_file_after_an_index_was_lost(bench: BackupBench) -> None:
    for entry in list(bench.storage.list(INDEX)):
        bench.storage.delete(entry.name)

    without_repair = bench.back_up()
    Repair(bench.open(), RepairOptions()).apply(lambda: None)
    after_repair = bench.back_up()

    assert bench.differences(without_repair) == []
    assert bench.differences(after_repair) == []
    assert not checked(bench).is_damaged
