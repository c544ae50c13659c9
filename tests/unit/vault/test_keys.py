"""Key files: one passphrase each, and nothing a hostile store puts there costs hours or memory."""

from datetime import UTC, datetime

import msgspec
import pytest

from holdfast.base.secret import Secret
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.vaults import CHEAP, PASSPHRASE, small_vault
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.errors import KeyUnreadable
from holdfast.vault.keys import KeyCost, KeyFile, _derive, parse_key_file, unwrap, write_key_file
from holdfast.vault.layout import KEYS
from holdfast.vault.opening import unlock

MASTER = MasterKey.from_bytes(bytes(range(64)))


def key_file(**changes: object) -> bytes:
    content = write_key_file(
        MASTER,
        PASSPHRASE,
        created=datetime(2026, 1, 1, tzinfo=UTC),
        username="ada",
        hostname="alpha",
        cost=CHEAP,
    )
    fields = msgspec.json.decode(content)
    return msgspec.json.encode({**fields, **changes})


def test_the_passphrase_gives_the_master_key_back() -> None:
    found = unwrap("k", parse_key_file("k", key_file()), PASSPHRASE)

    assert found is not None
    assert found.to_bytes() == MASTER.to_bytes()


def test_another_passphrase_gives_nothing() -> None:
    assert unwrap("k", parse_key_file("k", key_file()), Secret(b"guess")) is None


def test_fields_are_in_the_order_restic_writes_them() -> None:
    names = list(msgspec.json.decode(key_file()))

    assert names == ["created", "username", "hostname", "kdf", "N", "r", "p", "salt", "data"]


@pytest.mark.parametrize(
    "changes",
    [
        {"kdf": "bcrypt"},
        {"salt": "c2hvcnQ="},
        {"N": 0},
        {"N": -2},
        {"N": 3},
        {"N": 1 << 40},
        {"N": 1 << 16, "r": 1},
        {"r": 0},
        {"r": 1 << 30},
        {"r": -8},
        {"p": 0},
        {"p": 1 << 30},
        {"p": 1 << 23, "r": 2},
        {"N": 1 << 20, "r": 8, "p": 64},
        {"N": 10**30},
        {"N": "many"},
        {"salt": "!"},
    ],
)
def test_impossible_or_dear_parameters_are_refused_before_deriving(
    changes: dict[str, object],
) -> None:
    with pytest.raises(KeyUnreadable):
        parse_key_file("k", key_file(**changes))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"N":2}'])
def test_what_is_no_key_file_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(KeyUnreadable):
        parse_key_file("k", content)


@pytest.mark.parametrize(
    "inside",
    [
        b"not json",
        b"{}",
        b'{"mac":{"k":"","r":""},"encrypt":""}',
        b'{"mac":{"k":"AAAA","r":"AAAA"},"encrypt":"AAAA"}',
    ],
)
def test_a_wrapped_key_of_the_wrong_form_is_refused(inside: bytes) -> None:
    salt = bytes(64)
    data = Sealer(_derive(PASSPHRASE, salt, CHEAP)).seal(inside)
    wrong = KeyFile("", "", "", "scrypt", CHEAP.n, CHEAP.r, CHEAP.p, salt, data)

    with pytest.raises(KeyUnreadable):
        unwrap("k", wrong, PASSPHRASE)


def test_a_broken_key_file_does_not_keep_the_good_ones_from_opening() -> None:
    storage = MemoryStorage()
    vault = small_vault(storage)
    for name, content in (("0" * 64, b"{}"), ("f" * 64, b""), ("a" * 64, key_file(N=3))):
        storage.put(f"{KEYS}/{name}", content)

    assert unlock(storage, PASSPHRASE).key_id == vault.key_id


def test_the_default_cost_is_accepted_by_our_own_bounds() -> None:
    cost = KeyCost()

    parsed = parse_key_file("k", key_file(N=cost.n, r=cost.r, p=cost.p))

    assert (parsed.n, parsed.r, parsed.p) == (cost.n, cost.r, cost.p)
