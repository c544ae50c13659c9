"""Key files: each wraps the one master key with one passphrase."""

import hashlib
import os
from datetime import datetime

import msgspec

from holdfast.base.secret import Secret
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.errors import EnvelopeBroken, KeyUnreadable

SALT_BYTES = 64
_DERIVED_BYTES = 64
# A hostile store must not make us derive for hours or fill the memory: 128·N·r bytes, p times.
_MAX_MEMORY = 512 << 20
_MAX_WORK = 64 * (1 << 20)
_SMALL_R = 4  # above it scrypt's bound on N is far away


class KeyCost(msgspec.Struct, frozen=True):
    """How dear guessing is made: scrypt's parameters."""

    n: int = 1 << 15
    r: int = 8
    p: int = 3


class KeyFile(msgspec.Struct, frozen=True, rename={"n": "N"}):
    created: str
    username: str
    hostname: str
    kdf: str
    n: int
    r: int
    p: int
    salt: bytes
    data: bytes


class _MacJson(msgspec.Struct):
    k: bytes
    r: bytes


class _MasterJson(msgspec.Struct):
    mac: _MacJson
    encrypt: bytes


def write_key_file(
    master: MasterKey,
    passphrase: Secret,
    *,
    created: datetime,
    username: str,
    hostname: str,
    cost: KeyCost,
) -> bytes:
    salt = os.urandom(SALT_BYTES)
    wrapping = _derive(passphrase, salt, cost)
    plain = _MasterJson(_MacJson(master.mac_k, master.mac_r), master.encrypt)
    return msgspec.json.encode(
        KeyFile(
            created=created.isoformat(),
            username=username,
            hostname=hostname,
            kdf="scrypt",
            n=cost.n,
            r=cost.r,
            p=cost.p,
            salt=salt,
            data=Sealer(wrapping).seal(msgspec.json.encode(plain)),
        )
    )


def parse_key_file(name: str, content: bytes) -> KeyFile:
    try:
        key_file = msgspec.json.decode(content, type=KeyFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise KeyUnreadable(name=name, reason=err) from err
    problem = _problem(key_file)
    if problem:
        raise KeyUnreadable(name=name, reason=problem)
    return key_file


def unwrap(name: str, key_file: KeyFile, passphrase: Secret) -> MasterKey | None:
    """The master key, or None when the passphrase is another one's."""
    cost = KeyCost(key_file.n, key_file.r, key_file.p)
    try:
        wrapping = _derive(passphrase, key_file.salt, cost)
    except ValueError as err:
        # OpenSSL has bounds of its own, such as N < 2^(16 r).
        raise KeyUnreadable(name=name, reason=err) from err
    try:
        plain = Sealer(wrapping).open(key_file.data, what=name)
    except EnvelopeBroken:
        return None
    try:
        found = msgspec.json.decode(plain, type=_MasterJson)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise KeyUnreadable(name=name, reason=err) from err
    if (len(found.encrypt), len(found.mac.k), len(found.mac.r)) != (32, 16, 16):
        raise KeyUnreadable(name=name, reason="the wrapped key has another length")
    return MasterKey(encrypt=found.encrypt, mac_k=found.mac.k, mac_r=found.mac.r)


def _problem(key_file: KeyFile) -> str | None:
    if key_file.kdf != "scrypt":
        return f"unknown key derivation {key_file.kdf!r}"
    if len(key_file.salt) != SALT_BYTES:
        return f"the salt has {len(key_file.salt)} bytes"
    n, r, p = key_file.n, key_file.r, key_file.p
    if n < 2 or n & (n - 1) or r < 1 or p < 1:  # noqa: PLR2004  scrypt's own bounds
        return f"impossible scrypt parameters N={n} r={r} p={p}"
    if r < _SMALL_R and n >= 1 << 16 * r:
        return f"scrypt does not allow N={n} with r={r}"
    if 128 * (n + p) * r > _MAX_MEMORY or n * r * p > _MAX_WORK:
        return f"scrypt parameters N={n} r={r} p={p} ask for too much"
    return None


def _derive(passphrase: Secret, salt: bytes, cost: KeyCost) -> MasterKey:
    derived = hashlib.scrypt(
        passphrase.reveal(),
        salt=salt,
        n=cost.n,
        r=cost.r,
        p=cost.p,
        # OpenSSL counts a little above the textbook 128·N·r.
        maxmem=_MAX_MEMORY + (64 << 20),
        dklen=_DERIVED_BYTES,
    )
    return MasterKey.from_bytes(derived)
