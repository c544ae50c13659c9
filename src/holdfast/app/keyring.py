"""Keep a vault's key in the kernel for some minutes, so that not every command derives it anew.

An entry holds the master key sealed under the passphrase that opened it, so it serves only who
presents that same passphrase, and a look at it gives away neither. Where the kernel has no
keyrings, nothing is kept and nothing is said.
"""

import contextlib
import ctypes
import hashlib
import os
import platform
from datetime import timedelta

from holdfast.base.ids import FileId, KeyId
from holdfast.base.secret import Secret
from holdfast.vault.envelope import MasterKey, Sealer
from holdfast.vault.errors import EnvelopeBroken

# add_key and keyctl; request_key lies between them.
_CALLS = {"x86_64": (248, 250), "aarch64": (217, 219), "riscv64": (217, 219)}
_USER_KEYRING = -4
_SET_PERMISSIONS, _SEARCH, _READ, _SET_TIMEOUT, _INVALIDATE = 5, 10, 11, 15, 21
# All for whom possesses it; view, read and search for other processes of the same user.
_PERMISSIONS = 0x3F0B0000
_SALT_BYTES, _ID_BYTES = 16, 32
_MOST_BYTES = 512


class KeptKeys:
    """Master keys by vault; a `lifetime` of zero keeps nothing."""

    def __init__(self, lifetime: timedelta) -> None:
        self._seconds = int(lifetime.total_seconds())
        self._calls = _CALLS.get(platform.machine()) if self._seconds > 0 else None

    def find(self, place: str, passphrase: Secret) -> tuple[KeyId, MasterKey] | None:
        entry = self._search(place)
        content = self._read(entry) if entry else None
        if entry is None or content is None:
            return None
        salt, name = content[:_SALT_BYTES], content[_SALT_BYTES : _SALT_BYTES + _ID_BYTES]
        try:
            sealer = Sealer(_wrapping_key(passphrase, salt))
            master = sealer.open(content[_SALT_BYTES + _ID_BYTES :], what="keyring")
        except EnvelopeBroken:
            return None
        self._keyctl(_SET_TIMEOUT, entry, self._seconds)
        return KeyId(FileId(name.hex())), MasterKey.from_bytes(bytes(master))

    def keep(self, place: str, passphrase: Secret, key_id: KeyId, master: MasterKey) -> None:
        salt = os.urandom(_SALT_BYTES)
        sealed = Sealer(_wrapping_key(passphrase, salt)).seal(master.to_bytes())
        content = salt + bytes.fromhex(key_id) + sealed
        entry = self._add(place, content)
        if entry is not None:
            self._keyctl(_SET_PERMISSIONS, entry, _PERMISSIONS)
            self._keyctl(_SET_TIMEOUT, entry, self._seconds)

    def forget(self, place: str) -> None:
        entry = self._search(place)
        if entry is not None:
            self._keyctl(_INVALIDATE, entry)

    def _search(self, place: str) -> int | None:
        return self._keyctl(_SEARCH, _USER_KEYRING, b"user", _description(place), 0)

    def _read(self, entry: int) -> bytes | None:
        buffer = ctypes.create_string_buffer(_MOST_BYTES)
        length = self._keyctl(_READ, entry, buffer, _MOST_BYTES)
        return buffer.raw[:length] if length is not None and length <= _MOST_BYTES else None

    def _add(self, place: str, content: bytes) -> int | None:
        if self._calls is None:
            return None
        return _system_call(
            self._calls[0], b"user", _description(place), content, len(content), _USER_KEYRING
        )

    def _keyctl(self, *arguments: object) -> int | None:
        return None if self._calls is None else _system_call(self._calls[1], *arguments)


def _system_call(number: int, *arguments: object) -> int | None:
    """The result, or None for any refusal: a sandbox without keyrings is no trouble."""
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    with contextlib.suppress(OSError, AttributeError):
        call = ctypes.CDLL(None).syscall
        call.restype = ctypes.c_long
        result = int(call(ctypes.c_long(number), *wide))
        return result if result >= 0 else None
    return None


def _description(place: str) -> bytes:
    # The kernel lists descriptions to all, so a location does not belong there.
    return b"holdfast:" + hashlib.blake2b(os.fsencode(place), digest_size=16).hexdigest().encode()


def _wrapping_key(passphrase: Secret, salt: bytes) -> MasterKey:
    # Five milliseconds: guessing from a stolen entry stays dear, waiting does not.
    return MasterKey.from_bytes(
        hashlib.scrypt(passphrase.reveal(), salt=salt, n=1 << 11, r=8, p=1, dklen=64)
    )
