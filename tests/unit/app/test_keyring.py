"""The kernel's keyring: a kept key serves only who knows the passphrase, and only for its time."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app import vaults
from holdfast.app.config import Settings
from holdfast.app.keyring import KeptKeys
from holdfast.app.opening import unlock_quickly
from holdfast.app.wiring import Session
from holdfast.base.clock import SystemClock
from holdfast.base.ids import FileId, KeyId
from holdfast.base.secret import Secret
from holdfast.storage.memory import MemoryStorage
from holdfast.vault.envelope import MasterKey
from holdfast.vault.errors import WrongPassphrase
from holdfast.vault.identity import Identity
from holdfast.vault.keys import KeyCost
from holdfast.vault.opening import create

KEY_ID = KeyId(FileId("ab" * 32))
RIGHT, WRONG = Secret(b"open sesame"), Secret(b"open barley")
_HERE = Identity(username="ali", hostname="cave", uid=0, gid=0, pid=1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path)
    KeptKeys(timedelta(minutes=1)).forget(str(tmp_path))


@pytest.fixture
def kept(place: str) -> KeptKeys:
    keys = KeptKeys(timedelta(minutes=1))
    keys.keep(place, RIGHT, KEY_ID, MasterKey.generate())
    if keys.find(place, RIGHT) is None:
        pytest.skip("this kernel, or its sandbox, keeps no keys")
    return keys


def test_kept_key_comes_back_to_who_presents_the_passphrase(place: str, kept: KeptKeys) -> None:
    master = MasterKey.generate()
    kept.keep(place, RIGHT, KEY_ID, master)

    found = kept.find(place, RIGHT)

    assert found is not None
    assert (found[0], found[1].to_bytes()) == (KEY_ID, master.to_bytes())


def test_wrong_passphrase_gets_nothing(place: str, kept: KeptKeys) -> None:
    assert kept.find(place, WRONG) is None


def test_other_place_gets_nothing(place: str, kept: KeptKeys) -> None:
    assert kept.find(place + "x", RIGHT) is None


def test_forgotten_key_is_gone(place: str, kept: KeptKeys) -> None:
    kept.forget(place)

    assert kept.find(place, RIGHT) is None


def test_no_time_keeps_nothing(place: str) -> None:
    keys = KeptKeys(timedelta(0))
    keys.keep(place, RIGHT, KEY_ID, MasterKey.generate())

    assert keys.find(place, RIGHT) is None
    assert KeptKeys(timedelta(minutes=1)).find(place, RIGHT) is None


class _Cave(MemoryStorage):
    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


def _vault(place: str) -> tuple[_Cave, KeyId]:
    storage = _Cave(place)
    cost = KeyCost(n=2, r=8, p=1)
    unlocked = create(storage, RIGHT, identity=_HERE, clock=SystemClock(), cost=cost)
    return storage, unlocked.key_id


def test_kept_key_opens_the_vault_but_not_with_another_passphrase(
    place: str, kept: KeptKeys
) -> None:
    storage, _key_id = _vault(place)
    first = unlock_quickly(storage, RIGHT, kept)

    assert unlock_quickly(storage, RIGHT, kept).config == first.config
    assert kept.find(place, RIGHT) is not None
    with pytest.raises(WrongPassphrase):
        unlock_quickly(storage, WRONG, kept)


def test_whoever_makes_a_vault_has_its_key_at_hand(place: str, kept: KeptKeys) -> None:
    phrase = Path(place, "passphrase")
    phrase.write_bytes(RIGHT.reveal())
    phrase.chmod(0o600)
    settings = Settings(home=place, vault=f"{place}/vault", passphrase_file=str(phrase))

    made = vaults.create(Session(settings=settings, warn=print), None, lab=True)

    found = kept.find(made.place, RIGHT)
    kept.forget(made.place)
    assert found is not None
    assert found[0] == made.key


def test_removed_passphrase_stops_working_at_once(place: str, kept: KeptKeys) -> None:
    storage, key_id = _vault(place)
    unlock_quickly(storage, RIGHT, kept)
    storage.delete(f"keys/{key_id}")

    with pytest.raises(WrongPassphrase):
        unlock_quickly(storage, RIGHT, kept)


def test_vault_made_anew_at_the_same_place_is_opened_with_its_own_key(
    place: str, kept: KeptKeys
) -> None:
    unlock_quickly(_vault(place)[0], RIGHT, kept)
    fresh, key_id = _vault(place)

    assert unlock_quickly(fresh, RIGHT, kept).key_id == key_id
