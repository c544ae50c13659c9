"""The ledger of what was proven when: it steers what is read next, and can always be lost."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.base.ids import PackId
from holdfast.storage.errors import StorageDenied
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.clock import FakeClock
from holdfast.testing.damage import HARMS
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.vaults import add_point, open_vault, small_vault
from holdfast.vault.check import CheckOptions, check
from holdfast.vault.check_subset import Subset, SubsetNotUnderstood, choose_packs, parse_subset
from holdfast.vault.layout import DATA
from holdfast.vault.ledger import LEDGER, Ledger
from holdfast.vault.repository import Repository

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
A, B, C = (PackId(bytes([number]) * 32) for number in (1, 2, 3))
SIZES = {A: 10, B: 20, C: 30}


@pytest.fixture
def vault() -> Repository:
    return small_vault(MemoryStorage())


def note(
    vault: Repository, *good: PackId, at: datetime = NOON, bad: tuple[PackId, ...] = ()
) -> None:
    Ledger(vault.files, lambda _: None).note(good=good, bad=bad, present=SIZES, at=at)


def known(vault: Repository) -> dict[PackId, datetime]:
    return dict(Ledger(vault.files, lambda _: None).verified)


def test_what_was_noted_is_known_in_the_next_run(vault: Repository) -> None:
    note(vault, A, B)
    note(vault, B, at=NOON + timedelta(days=1))

    assert known(vault) == {A: NOON, B: NOON + timedelta(days=1)}
    assert len(list(vault.storage.list(LEDGER))) == 1


def test_a_bad_pack_counts_as_never_proven(vault: Repository) -> None:
    note(vault, A, B)
    note(vault, bad=(A,))

    assert known(vault) == {B: NOON}


def test_packs_that_are_gone_are_dropped(vault: Repository) -> None:
    note(vault, A, PackId(b"x" * 32))

    assert known(vault) == {A: NOON}


@pytest.mark.parametrize("harm", sorted(HARMS.keys() - {"swap"}))
def test_a_damaged_ledger_is_as_none(vault: Repository, harm: str) -> None:
    note(vault, A)
    (entry,) = vault.storage.list(LEDGER)
    HARMS[harm](vault.storage, entry.name)
    warnings: list[str] = []

    ledger = Ledger(vault.files, warnings.append)

    assert dict(ledger.verified) == {}
    assert len(warnings) == (harm != "delete")


@pytest.mark.parametrize(
    "content",
    [b"[]", b"{}", b'{"runs":[{"at":"2026-01-01T00:00:00","packs":""}]}', b'{"runs":7}',
     b'{"runs":[{"at":"2026-01-01T00:00:00Z","packs":"QUJD"}]}', b"\xff"],
)  # fmt: skip
def test_a_ledger_of_another_form_is_as_none(vault: Repository, content: bytes) -> None:
    vault.files.save(LEDGER, content)
    warnings: list[str] = []

    assert dict(Ledger(vault.files, warnings.append).verified) == {}
    assert len(warnings) == 1


def test_two_checks_at_once_lose_nothing(vault: Repository) -> None:
    first, second = (Ledger(vault.files, lambda _: None) for _ in range(2))
    first.note(good=[A], bad=[], present=SIZES, at=NOON)
    second.note(good=[B], bad=[], present=SIZES, at=NOON)

    assert known(vault) == {A: NOON, B: NOON}


def test_a_vault_that_may_not_be_written_gives_a_warning() -> None:
    faulty = FaultyStorage(MemoryStorage())
    vault = small_vault(faulty)
    faulty.fail("put", StorageDenied(place="", name="", reason=""))
    warnings: list[str] = []

    Ledger(vault.files, warnings.append).note(good=[A], bad=[], present=SIZES, at=NOON)

    assert len(warnings) == 1
    assert faulty.unused() == []


def test_old_ledgers_stay_where_nothing_may_be_deleted() -> None:
    faulty = FaultyStorage(MemoryStorage())
    vault = small_vault(faulty)
    note(vault, A)
    faulty.fail("delete", StorageDenied(place="", name="", reason=""))

    note(vault, A, B, at=NOON + timedelta(days=1))

    assert known(vault)[A] == NOON + timedelta(days=1)
    assert len(list(vault.storage.list(LEDGER))) == 2


def test_a_share_takes_what_was_never_or_longest_ago_proven() -> None:
    verified = {A: NOON, C: NOON - timedelta(days=1)}

    assert choose_packs(SIZES, Subset(percent=1), verified=verified) == [B]
    assert choose_packs(SIZES, Subset(size=50), verified=verified) == [B, C]
    assert choose_packs(SIZES, Subset(percent=100), verified=verified) == [B, C, A]
    assert choose_packs({}, Subset(percent=50), verified={}) == []


def test_parts_are_told_by_the_first_byte_and_make_the_whole() -> None:
    packs = {PackId(bytes([number]) * 32): 1 for number in range(256)}

    parts = [choose_packs(packs, Subset(part=(n, 7)), verified={}) for n in range(1, 8)]

    assert sorted(itertools.chain(*parts)) == sorted(packs)


@pytest.mark.parametrize(
    ("text", "subset"),
    [
        ("", Subset()),
        ("10%", Subset(percent=10)),
        ("2.5%", Subset(percent=2.5)),
        ("3/7", Subset(part=(3, 7))),
        ("500M", Subset(size=500 << 20)),
    ],
)
def test_how_much_to_read_is_understood(text: str, subset: Subset) -> None:
    assert parse_subset(text) == subset


@pytest.mark.parametrize("text", ["0%", "101%", "0/7", "8/7", "1/257", "much", "-1", "1/0", "0"])
def test_how_much_to_read_is_refused_where_it_makes_no_sense(text: str) -> None:
    with pytest.raises(SubsetNotUnderstood):
        parse_subset(text)


def test_a_share_read_every_day_comes_round() -> None:
    clock = FakeClock()
    vault = small_vault(clock=clock)
    for number in range(10):
        add_point(vault, {f"f{number}": bytes([number]) * 900})
    storage = vault.storage
    reads: list[int] = []

    for _ in range(10):
        options = CheckOptions(read=Subset(percent=10), workers=1)
        reads.append(check(open_vault(storage, clock=clock), options).packs_read)
        clock.jump(timedelta(days=1))

    assert len(known(vault)) == len(list(storage.list(DATA)))
    assert max(reads) < len(known(vault)) / 2
