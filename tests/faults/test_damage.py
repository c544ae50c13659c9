"""Every kind of file, hurt in every way: check tells the truth, repair saves what can be saved."""

import functools
import random

import pytest

from holdfast.base.ids import SnapshotId
from holdfast.base.secret import Secret
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.damage import HARMS, copy_of
from holdfast.testing.vaults import (
    CHEAP,
    add_point,
    identity,
    open_vault,
    read_all,
    read_point,
    small_vault,
)
from holdfast.vault.check import CheckOptions, check
from holdfast.vault.check_findings import CheckReport
from holdfast.vault.check_subset import Subset
from holdfast.vault.errors import EnvelopeBroken, NoVault
from holdfast.vault.layout import DATA, INDEX, KEYS, LOCKS, OWN, SNAPSHOTS
from holdfast.vault.locks import Locks
from holdfast.vault.opening import add_passphrase, open_with
from holdfast.vault.pack_header import Kind
from holdfast.vault.repair import Repair
from holdfast.vault.repair_config import NoKeyLeft, replace_config, unlock_without_config
from holdfast.vault.repair_plan import RepairPlan
from holdfast.vault.repair_planning import RepairOptions
from holdfast.vault.repository import Repository

pytestmark = pytest.mark.faults

ALL = Subset()
OTHER = Secret(b"another passphrase")
# What nothing can notice, since nobody knows how many there were; and locks that say nothing.
SILENT = {
    ("key", "delete"),
    ("snapshot", "delete"),
    ("lock", "delete"),
    ("lock", "empty"),
    ("ledger", "delete"),
}
# Files whose damage loses nothing that was kept.
HARMLESS = {"lock", "ledger"}


def content(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


FILES = (
    {"srv/a": content(1, 5000), "srv/deep/b": content(2, 3000), "srv/text": b"hello " * 900},
    {"srv/a": content(1, 5000), "srv/deep/c": content(3, 2500), "srv/empty": b""},
    {"srv/a": content(4, 4000), "srv/deep/b": content(2, 3000), "srv/more/d": content(5, 7000)},
)


@functools.cache
def healthy() -> tuple[MemoryStorage, frozenset[str]]:
    """A vault with at least two files of every kind, and the packs that hold data."""
    storage = MemoryStorage()
    vault = small_vault(storage)
    add_passphrase(
        storage, vault.files.master, OTHER, identity=identity(), clock=vault.clock, cost=CHEAP
    )
    for files in FILES:
        add_point(vault, files, chunk=1000)
        check(vault, CheckOptions(read=ALL, workers=1))
    locks = Locks(vault.files, identity=identity(), clock=vault.clock)
    for _ in range(2):
        locks.acquire()
    data = {
        span.hex()
        for blob in vault.index.blobs(Kind.DATA)
        for span in [found.pack for found in vault.index.find_all(Kind.DATA, blob)]
    }
    return storage, frozenset(data)


def victims(storage: MemoryStorage, kind: str) -> list[str]:
    """The files of a kind, in an order that does not depend on their names."""
    _, data = healthy()
    folder = {
        "key": KEYS,
        "snapshot": SNAPSHOTS,
        "index": INDEX,
        "lock": LOCKS,
        "ledger": OWN,
        "data": DATA,
        "tree": DATA,
    }[kind]
    names = [entry.name for entry in storage.list(folder)]
    if folder == DATA:
        return [name for name in names if (name.rpartition("/")[2] in data) == (kind == "data")]
    return names


def opened(storage: MemoryStorage, vault: Repository) -> Repository:
    """As a client sees it that has the master key, whichever key file is hurt."""
    unlocked = open_with(storage, vault.files.master, vault.key_id)
    return Repository(storage=storage, unlocked=unlocked, identity=identity(), clock=vault.clock)


def checked(vault: Repository) -> CheckReport:
    return check(vault, CheckOptions(read=ALL, workers=1, note=False))


def repaired(vault: Repository) -> RepairPlan:
    work = Repair(vault, RepairOptions(read=ALL, forget=True, workers=1))
    work.apply(lambda: None)
    return work.plan


KINDS = ("key", "snapshot", "index", "lock", "ledger", "data", "tree")


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("kind", KINDS)
def test_check_tells_the_truth_and_repair_saves_the_rest(kind: str, harm: str) -> None:
    whole = open_vault(copy_of(healthy()[0]))
    before = read_all(whole)
    for victim in victims(healthy()[0], kind):
        storage = copy_of(healthy()[0])
        if harm == "swap" and kind == "ledger":
            continue  # there is only one
        HARMS[harm](storage, victim)
        vault = opened(storage, whole)

        report = checked(vault)
        plan = repaired(vault)

        is_silent = (kind, harm) in SILENT
        assert report.is_damaged == (not is_silent and kind not in HARMLESS), report.findings
        assert bool(report.findings) == (not is_silent)
        after = opened(storage, whole)
        assert checked(after).findings == ()
        assert_only_named_losses(before, after, plan)
        assert_next_backup_works(after)


def assert_only_named_losses(
    before: dict[SnapshotId, dict[str, bytes]] | dict[str, dict[str, bytes]],
    vault: Repository,
    plan: RepairPlan,
) -> None:
    """Each file of each old point is there as it was, or the plan said that it would not be."""
    lost = {
        (point, loss.path.decode().lstrip("/")) for loss in plan.losses for point in loss.snapshots
    }
    originals = {point.stored.original or point.id: point for point in vault.snapshots()}
    contents = [read_point(vault, point) for point in vault.snapshots()]
    for name, files in before.items():
        if name not in originals:
            # A point whose own file was hurt: gone, or there under another name.
            is_gone = name in plan.dead_points or (name, "") in lost
            assert files in contents or is_gone or not plan.check.findings
            continue
        now = read_point(vault, originals[name])
        for path, whole in files.items():
            is_lost = any(
                point == name and (path == gone or path.startswith(gone + "/"))
                for point, gone in lost
            )
            assert is_lost or now.get(path) == whole, path


def assert_next_backup_works(vault: Repository) -> None:
    for files in FILES:
        point = add_point(vault, files, chunk=1000)
        assert read_point(vault, point) == files
    assert checked(vault).findings == ()


@pytest.mark.parametrize("kind", ["index", "key", "lock", "ledger"])
def test_repair_loses_nothing_where_no_data_was_hurt(kind: str) -> None:
    for harm in HARMS.values():
        storage = copy_of(healthy()[0])
        whole = open_vault(copy_of(storage))
        before = sorted(str(files) for files in read_all(whole).values())
        if kind == "ledger" and harm is HARMS["swap"]:
            continue
        harm(storage, victims(storage, kind)[0])

        plan = repaired(opened(storage, whole))

        assert plan.losses == ()
        assert sorted(str(f) for f in read_all(opened(storage, whole)).values()) == before


@pytest.mark.parametrize("kind", ["data", "tree", "snapshot"])
def test_files_of_a_kind_that_were_swapped_are_all_saved(kind: str) -> None:
    storage = copy_of(healthy()[0])
    whole = open_vault(copy_of(storage))
    before = sorted(str(files) for files in read_all(whole).values())
    HARMS["swap"](storage, victims(storage, kind)[0])

    plan = repaired(opened(storage, whole))

    assert plan.losses == ()
    assert sorted(str(f) for f in read_all(opened(storage, whole)).values()) == before


@pytest.mark.parametrize("harm", ["flip-end", "flip-middle", "truncate"])
def test_blobs_before_the_damage_are_saved(harm: str) -> None:
    storage = copy_of(healthy()[0])
    whole = open_vault(copy_of(storage))
    HARMS[harm](storage, max(victims(storage, "data"), key=storage.size))

    plan = repaired(opened(storage, whole))

    assert plan.blobs_saved > 0
    if harm == "flip-end":
        # The last bytes are the length of the header, which the index knows as well.
        assert plan.blobs_lost == 0
        assert plan.losses == ()


@pytest.mark.parametrize("harm", [name for name in HARMS if name != "swap"])
def test_a_config_is_made_anew_from_any_key(harm: str) -> None:
    storage = copy_of(healthy()[0])
    whole = open_vault(copy_of(storage))
    before = read_all(whole)
    HARMS[harm](storage, "config")
    with pytest.raises((EnvelopeBroken, NoVault)):
        open_vault(storage)

    unlocked, was_good = unlock_without_config(storage, OTHER)
    replace_config(storage, unlocked)

    assert not was_good
    assert unlocked.config.id != whole.id
    vault = open_vault(storage, passphrase=OTHER)
    assert read_all(vault) == before
    assert checked(vault).findings == ()


@pytest.mark.parametrize("harm", ["flip-end", "empty", "truncate"])
def test_what_a_lost_point_held_comes_back_in_a_recovered_one(harm: str) -> None:
    storage = copy_of(healthy()[0])
    whole = open_vault(copy_of(storage))
    for victim in victims(storage, "snapshot"):
        HARMS[harm](storage, victim)

    plan = repaired(opened(storage, whole))

    (point,) = opened(storage, whole).snapshots()
    assert len(plan.recovered) == len(FILES)
    assert point.tags == {"recovered"}
    found = read_point(open_vault(storage), point)
    for files in FILES:
        for path, content in files.items():
            assert any(name.endswith(f"/{path}") and found[name] == content for name in found)


def test_a_vault_without_keys_is_said_to_be_lost() -> None:
    storage = copy_of(healthy()[0])
    for name in victims(storage, "key"):
        storage.delete(name)

    with pytest.raises(NoKeyLeft):
        unlock_without_config(storage, OTHER)


def test_the_last_good_key_file_stays_even_when_all_others_are_damaged() -> None:
    storage = copy_of(healthy()[0])
    whole = open_vault(copy_of(storage))
    for name in victims(storage, "key"):
        HARMS["truncate"](storage, name)

    plan = Repair(opened(storage, whole), RepairOptions(workers=1)).plan

    assert plan.keys == ()
    assert plan.check.is_damaged
