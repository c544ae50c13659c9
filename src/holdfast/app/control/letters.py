"""Letters between servers that share an authority: sealed, and cut into pieces for a narrow way.

An open letter can be read by every server that has the authority's keys. A closed one only by the
server that made the reply key, in whose memory alone its other half is: whoever has recorded it and
comes by the authority's keys later still cannot read it.
"""

import base64
import json
import os
import zlib
from collections import OrderedDict
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from holdfast.base.units import MIB

# A piece of a file is up to 8 MiB.
MOST = 12 * MIB
_KEY = 32
_NONCE = 12
_OPEN, _CLOSED = b"o", b"c"
# Of letters that have begun to arrive; each comes in one go.
_MOST_BEGUN = 16


class Post:
    """Seals and opens letters for one process."""

    def __init__(self, shared: bytes, *, piece: int) -> None:
        self._shared = shared
        self._mine = X25519PrivateKey.generate()
        self.reply_to = self._mine.public_key().public_bytes_raw()
        # What a piece holds, without its head, in base64.
        self._room = (piece - 64) * 3 // 4
        self._begun: OrderedDict[str, list[bytes]] = OrderedDict()

    def pieces(self, letter: dict[str, Any], to: bytes | None = None) -> list[str]:
        """`to`: the reply key of the one server that may read it. ValueError: it is too long."""
        content = zlib.compress(json.dumps(letter).encode(), 1)
        if len(content) > MOST:
            raise ValueError(f"a letter of {len(content)} bytes")
        sealed = self._sealed(content, to)
        name = os.urandom(8).hex()
        parts = [sealed[at : at + self._room] for at in range(0, len(sealed), self._room)]
        return [
            f"{name} {number} {len(parts)} {base64.b64encode(part).decode()}"
            for number, part in enumerate(parts)
        ]

    def opened(self, piece: str) -> dict[str, Any] | None:
        """The letter that is whole with this piece; None: not yet, or not for us, or of no server."""
        name, number, count, part = piece.split(" ")
        begun = self._begun.setdefault(name, [])
        if int(number) != len(begun):
            # Its beginning was said before we listened.
            del self._begun[name]
            return None
        begun.append(base64.b64decode(part))
        while len(self._begun) > _MOST_BEGUN or sum(map(len, begun)) > 2 * MOST:
            self._begun.popitem(last=False)
            if name not in self._begun:
                return None
        if len(begun) < int(count):
            return None
        del self._begun[name]
        return self._unsealed(b"".join(begun))

    def _sealed(self, content: bytes, to: bytes | None) -> bytes:
        nonce = os.urandom(_NONCE)
        if to is None:
            head = _OPEN
            key = _derived(self._shared, b"")
        else:
            once = X25519PrivateKey.generate()
            head = _CLOSED + to + once.public_key().public_bytes_raw()
            key = _derived(self._shared, once.exchange(X25519PublicKey.from_public_bytes(to)))
        return head + nonce + ChaCha20Poly1305(key).encrypt(nonce, content, head)

    def _unsealed(self, sealed: bytes) -> dict[str, Any] | None:
        kind, rest = sealed[:1], sealed[1:]
        key, head = _derived(self._shared, b""), kind
        if kind == _CLOSED:
            to, once, rest = rest[:_KEY], rest[_KEY : 2 * _KEY], rest[2 * _KEY :]
            if to != self.reply_to:
                return None
            head = kind + to + once
            key = _derived(
                self._shared, self._mine.exchange(X25519PublicKey.from_public_bytes(once))
            )
        try:
            content = ChaCha20Poly1305(key).decrypt(rest[:_NONCE], rest[_NONCE:], head)
        except InvalidTag:
            return None
        letter = json.loads(zlib.decompressobj().decompress(content, 8 * MOST))
        return letter if isinstance(letter, dict) else None


def _derived(shared: bytes, between_two: bytes) -> bytes:
    made = HKDF(algorithm=hashes.SHA256(), length=_KEY, salt=shared, info=b"holdfast letters 1")
    return made.derive(b"letter" + between_two)
