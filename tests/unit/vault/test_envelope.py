"""The encryption envelope, against the reference vectors of Poly1305-AES."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from holdfast.vault.envelope import OVERHEAD, MasterKey, Sealer
from holdfast.vault.errors import EnvelopeBroken

# D. J. Bernstein, "The Poly1305-AES message-authentication code", appendix B:
# message, k, r (clamped), nonce, code.
POLY1305_AES = [
    (
        "f3f6",
        "ec074c835580741701425b623235add6",
        "851fc40c3467ac0be05cc20404f3f700",
        "fb447350c4e868c52ac3275cf9d4327e",
        "f4c633c3044fc145f84f335cb81953de",
    ),
    (
        "",
        "75deaa25c09f208e1dc4ce6b5cad3fbf",
        "a0f3080000f46400d0c7e9076c834403",
        "61ee09218d29b0aaed7e154a2c5509cc",
        "dd3fab2251f11ac759f0887129cc2ee7",
    ),
    (
        "663cea190ffb83d89593f3f476b6bc24d7e679107ea26adb8caf6652d0656136",
        "6acb5f61a7176dd320c5c1eb2edcdc74",
        "48443d0bb0d21109c89a100b5ce2c208",
        "ae212a55399729595dea458bc621ff0e",
        "0ee1c16bb73f0f4fd19881753c01cdbe",
    ),
    (
        (
            "ab0812724a7f1e342742cbed374d94d136c6b8795d45b3819830f2c04491faf0"
            "990c62e48b8018b2c3e4a0fa3134cb67fa83e158c994d961c4cb21095c1bf9"
        ),
        "e1a5668a4d5b66a5f68cc5424ed5982d",
        "12976a08c4426d0ce8a82407c4f48207",
        "9ae831e743978d3a23527c7128149e3a",
        "5154ad0d2cb26e01274fc51148491f1b",
    ),
]

KEY = MasterKey.from_bytes(bytes(range(64)))
PLAIN = b"something worth keeping"


@pytest.mark.parametrize(("message", "k", "r", "nonce", "code"), POLY1305_AES)
def test_codes_are_those_of_the_reference(
    message: str, k: str, r: str, nonce: str, code: str
) -> None:
    key = MasterKey(encrypt=bytes(32), mac_k=bytes.fromhex(k), mac_r=bytes.fromhex(r))
    envelope = bytes.fromhex(nonce + message + code)

    plain = Sealer(key).open(envelope, what="vector")

    aes = Cipher(algorithms.AES(bytes(32)), modes.CTR(bytes.fromhex(nonce))).decryptor()
    assert plain == aes.update(bytes.fromhex(message))


def test_an_envelope_opens_again_and_never_looks_the_same_twice() -> None:
    sealer = Sealer(KEY)

    first, second = sealer.seal(PLAIN), sealer.seal(PLAIN)

    assert first != second
    assert sealer.open(first, what="first") == sealer.open(second, what="second") == PLAIN
    assert len(first) == len(PLAIN) + OVERHEAD


def test_every_byte_is_authenticated() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(PLAIN)

    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 0x80
        with pytest.raises(EnvelopeBroken):
            sealer.open(bytes(changed), what="tampered")


@pytest.mark.parametrize("length", range(OVERHEAD))
def test_what_is_too_short_to_be_an_envelope_is_refused(length: int) -> None:
    with pytest.raises(EnvelopeBroken):
        Sealer(KEY).open(b"x" * length, what="stump")


def test_an_all_zero_iv_is_refused_even_with_a_valid_code() -> None:
    sealer = Sealer(KEY)
    code = sealer._code(bytes(16), memoryview(b"text"))

    with pytest.raises(EnvelopeBroken):
        sealer.open(bytes(16) + b"text" + code, what="zero")


def test_another_key_opens_nothing() -> None:
    sealed = Sealer(KEY).seal(PLAIN)

    with pytest.raises(EnvelopeBroken):
        Sealer(MasterKey.generate()).open(sealed, what="foreign")


def test_an_unclamped_r_counts_as_its_clamped_self() -> None:
    clamped = bytearray(b"\xff" * 16)
    for at in (3, 7, 11, 15):
        clamped[at] &= 0x0F
    for at in (4, 8, 12):
        clamped[at] &= 0xFC
    loose = MasterKey(encrypt=KEY.encrypt, mac_k=KEY.mac_k, mac_r=b"\xff" * 16)
    strict = MasterKey(encrypt=KEY.encrypt, mac_k=KEY.mac_k, mac_r=bytes(clamped))

    assert Sealer(strict).open(Sealer(loose).seal(PLAIN), what="r") == PLAIN


def test_a_master_key_does_not_show_itself() -> None:
    assert "00" not in repr(KEY)
    assert MasterKey.from_bytes(KEY.to_bytes()).to_bytes() == bytes(range(64))
