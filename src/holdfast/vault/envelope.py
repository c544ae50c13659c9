"""The encryption envelope: IV, AES-256-CTR ciphertext, Poly1305-AES code.

Format: restic design document, section "Keys, Encryption and MAC".
"""

import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from holdfast.base.units import KIB
from holdfast.vault.errors import EnvelopeBroken

IV_BYTES = 16
MAC_BYTES = 16
OVERHEAD = IV_BYTES + MAC_BYTES
_NO_IV = bytes(IV_BYTES)
_KEPT_STEP = 64 * KIB
_generate_tag = Poly1305.generate_tag


class MasterKey:
    """The secret all files of a repository are sealed with; shows as dots."""

    __slots__ = ("encrypt", "mac_k", "mac_r")

    def __init__(self, *, encrypt: bytes, mac_k: bytes, mac_r: bytes) -> None:
        self.encrypt = encrypt
        self.mac_k = mac_k
        # `cryptography` clamps r by itself, so r is kept as it is stored.
        self.mac_r = mac_r

    @classmethod
    def from_bytes(cls, content: bytes) -> "MasterKey":
        """The key in the order in which scrypt yields it: encryption, k, r."""
        return cls(encrypt=content[:32], mac_k=content[32:48], mac_r=content[48:64])

    @classmethod
    def generate(cls) -> "MasterKey":
        return cls.from_bytes(os.urandom(64))

    def to_bytes(self) -> bytes:
        return self.encrypt + self.mac_k + self.mac_r

    def __repr__(self) -> str:
        return "MasterKey(•••)"


class Sealer:
    """Seals and opens envelopes with kept cipher contexts; not to be shared between threads."""

    def __init__(self, key: MasterKey) -> None:
        aes = algorithms.AES(key.encrypt)
        # The first nonce is never used: every envelope resets it to a random one.
        self._encryptor = Cipher(aes, modes.CTR(bytes(IV_BYTES))).encryptor()
        self._decryptor = Cipher(aes, modes.CTR(bytes(IV_BYTES))).decryptor()
        # ECB on single blocks is what Poly1305-AES is defined with.
        self._nonce = Cipher(algorithms.AES(key.mac_k), modes.ECB()).encryptor()  # noqa: S305
        self._mac_r = key.mac_r
        self._kept = memoryview(b"")

    def seal_into(
        self, target: memoryview, plain: bytes | bytearray | memoryview, *, at: int = 0
    ) -> int:
        """Write the envelope of `plain` at a place in `target`; the bytes it takes there."""
        start = at + IV_BYTES
        end = start + len(plain)
        # Drawn for each: a stock of random bytes would be the same in all who are forked from us.
        iv = os.urandom(IV_BYTES)
        cipher_text = target[start:end]
        encryptor = self._encryptor
        encryptor.reset_nonce(iv)
        encryptor.update_into(plain, cipher_text)
        target[at:start] = iv
        code = _generate_tag(self._mac_r + self._nonce.update(iv), cipher_text)
        target[end : end + MAC_BYTES] = code
        return end + MAC_BYTES - at

    def seal(self, plain: bytes) -> bytes:
        sealed = bytearray(len(plain) + OVERHEAD)
        self.seal_into(memoryview(sealed), plain)
        return bytes(sealed)

    def open(self, sealed: bytes | memoryview, *, what: str) -> bytearray:
        """The plain bytes; `what` names the thing when its code does not match."""
        plain = bytearray(max(0, len(sealed) - OVERHEAD))
        self.open_into(plain, sealed, what=what)
        return plain

    def open_kept(self, sealed: bytes | memoryview, *, what: str) -> memoryview:
        """As `open`, in memory that the next call takes again: for what is unpacked at once."""
        length = max(0, len(sealed) - OVERHEAD)
        if length > len(self._kept):
            self._kept = memoryview(bytearray(-(-length // _KEPT_STEP) * _KEPT_STEP))
        plain = self._kept[:length]
        self.open_into(plain, sealed, what=what)
        return plain

    def open_into(
        self, target: bytearray | memoryview, sealed: bytes | memoryview, *, what: str
    ) -> None:
        """As `open`, into memory of exactly the plain length that is kept for many envelopes."""
        view = memoryview(sealed)
        iv = bytes(view[:IV_BYTES])
        # An all-zero IV is what a forgotten random generator writes; restic refuses it too.
        if len(view) < OVERHEAD or iv == _NO_IV:
            raise EnvelopeBroken(what=what)
        cipher_text = view[IV_BYTES:-MAC_BYTES]
        if not hmac.compare_digest(self._code(iv, cipher_text), view[-MAC_BYTES:]):
            raise EnvelopeBroken(what=what)
        self._decryptor.reset_nonce(iv)
        self._decryptor.update_into(cipher_text, target)

    def _code(self, iv: bytes, cipher_text: memoryview) -> bytes:
        return _generate_tag(self._mac_r + self._nonce.update(iv), cipher_text)
