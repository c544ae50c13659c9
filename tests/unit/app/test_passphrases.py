import pytest

from holdfast.app import passphrases
from holdfast.base.secret import Secret
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.vaults import CHEAP, PASSPHRASE, add_point, open_vault, small_vault
from holdfast.vault.errors import LastPassphrase, WrongPassphrase
from holdfast.vault.layout import KEYS
from holdfast.vault.repository import Repository
from holdfast.vault.upkeep_errors import PassphraseAmbiguous, PassphraseMissing

SECOND = Secret(b"another one")


@pytest.fixture
def vault() -> Repository:
    return small_vault()


def test_each_passphrase_opens_the_same_vault(vault: Repository) -> None:
    point = add_point(vault, {"a": b"1"})

    passphrases.add(vault, SECOND, cost=CHEAP)

    for passphrase in (PASSPHRASE, SECOND):
        assert open_vault(vault.storage, passphrase=passphrase).snapshots()[0].id == point.id


def test_the_list_says_which_one_is_in_use(vault: Repository) -> None:
    added = passphrases.add(vault, SECOND, cost=CHEAP)

    first, second = sorted(
        passphrases.list_passphrases(vault), key=lambda found: not found.is_current
    )

    assert (first.id, first.is_current, first.hostname) == (vault.key_id, True, "alpha")
    assert (second.id, second.is_current, second.username) == (added, False, "ada")


def test_a_changed_passphrase_opens_and_the_old_one_does_not(vault: Repository) -> None:
    fresh = passphrases.change(vault, SECOND, cost=CHEAP)

    assert [found.id for found in passphrases.list_passphrases(vault)] == [fresh]
    assert vault.key_id == fresh
    open_vault(vault.storage, passphrase=SECOND)
    with pytest.raises(WrongPassphrase):
        open_vault(vault.storage)


def test_a_removed_passphrase_opens_nothing(vault: Repository) -> None:
    added = passphrases.add(vault, SECOND, cost=CHEAP)

    assert passphrases.remove(vault, added[:10]) == added

    with pytest.raises(WrongPassphrase):
        open_vault(vault.storage, passphrase=SECOND)


def test_the_passphrase_in_use_is_not_removed(vault: Repository) -> None:
    with pytest.raises(LastPassphrase):
        passphrases.remove(vault, vault.key_id)

    open_vault(vault.storage)


def test_who_was_removed_meanwhile_removes_nobody(vault: Repository) -> None:
    other = passphrases.add(vault, SECOND, cost=CHEAP)
    rival = open_vault(vault.storage, passphrase=SECOND)
    passphrases.remove(rival, vault.key_id)

    with pytest.raises(LastPassphrase):
        passphrases.remove(vault, other)

    open_vault(vault.storage, passphrase=SECOND)


def test_an_id_must_be_known_and_clear(vault: Repository) -> None:
    for name in ("1" + 63 * "a", "1" + 63 * "b"):
        vault.storage.put(f"{KEYS}/{name}", b"damaged")

    with pytest.raises(PassphraseMissing):
        passphrases.find(vault, "xyz")
    with pytest.raises(PassphraseMissing):
        passphrases.find(vault, "")
    with pytest.raises(PassphraseAmbiguous):
        passphrases.find(vault, "1")


def test_a_damaged_key_file_can_be_removed() -> None:
    storage = MemoryStorage()
    vault = small_vault(storage)
    storage.put(f"{KEYS}/{'0' * 64}", b"damaged")

    passphrases.remove(vault, "0" * 64)

    assert [found.id for found in passphrases.list_passphrases(vault)] == [vault.key_id]
