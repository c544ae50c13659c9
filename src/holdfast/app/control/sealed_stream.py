"""A stream sealed with a passphrase, written and read piece by piece.

A line that says what it is, a line of JSON with how the key is made of the passphrase, then frames:
four bytes of length and a sealed piece. A frame's nonce is its number and whether it is the last,
so that none can be moved, repeated or left out; its head, the two lines, is sealed with each.
"""

import base64
import hashlib
import io
import json
import os
import struct
from typing import BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from holdfast.app.control.transfer_errors import ExportPassphraseWrong, ExportUnreadable
from holdfast.base.secret import Secret
from holdfast.base.texts import _
from holdfast.base.units import MIB

# What a sealed file begins with, by what it holds.
STATE, KIT = b"holdfast-state 1\n", b"holdfast-kit 1\n"
_LONGEST_LINE = 1000
_PIECE = MIB
_TAG = 16
_LENGTH = struct.Struct(">I")
_COST = {"n": 1 << 15, "r": 8, "p": 1}
_DEAREST = {"n": 1 << 20, "r": 16, "p": 16}
_MEMORY = 256 * MIB


class SealedWriter(io.RawIOBase):
    def __init__(self, stream: BinaryIO, passphrase: Secret, *, magic: bytes = STATE) -> None:
        salt = base64.b64encode(os.urandom(16)).decode()
        how = json.dumps({"scrypt": {**_COST, "salt": salt}}).encode() + b"\n"
        self._stream = stream
        self._head = magic + how
        self._cipher = ChaCha20Poly1305(_key(passphrase, salt, _COST))
        self._waiting = bytearray()
        self._number = 0
        stream.write(self._head)

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        # One piece is kept back: only at the end is it known to be the last.
        view = bytes(cast("bytes", content))
        self._waiting += view
        while len(self._waiting) > _PIECE:
            self._seal(bytes(self._waiting[:_PIECE]), is_last=False)
            del self._waiting[:_PIECE]
        return len(view)

    def finish(self) -> None:
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, is_last=is_last), piece, self._head)
        self._stream.write(_LENGTH.pack(len(sealed)) + sealed)
        self._number += 1


class SealedReader(io.RawIOBase):
    """`file` is for errors. What is read is proven; the end, only when it was reached."""

    def __init__(
        self, stream: BinaryIO, passphrase: Secret, *, file: str, wanted: bytes = STATE
    ) -> None:
        self._stream, self._file = stream, file
        magic = stream.readline(_LONGEST_LINE)
        how = stream.readline(_LONGEST_LINE)
        if magic != wanted:
            raise self._unreadable(_("it does not begin like one"))
        self._head = magic + how
        self._cipher = ChaCha20Poly1305(self._made_key(passphrase, how))
        self._number = 0
        self._is_over = False
        self._waiting = b""
        self._next = self._read_frame()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        while not self._waiting and not self._is_over:
            self._open()
        length = min(len(view), len(self._waiting))
        view[:length] = self._waiting[:length]
        self._waiting = self._waiting[length:]
        return length

    def _open(self) -> None:
        sealed, self._next = self._next, self._read_frame()
        is_last = not self._next
        try:
            nonce = _nonce(self._number, is_last=is_last)
            self._waiting = self._cipher.decrypt(nonce, sealed, self._head)
        except InvalidTag as err:
            if self._number == 0:
                raise ExportPassphraseWrong(file=self._file) from err
            raise self._unreadable(_("it is damaged or cut off")) from err
        self._number += 1
        self._is_over = is_last

    def _read_frame(self) -> bytes:
        length = self._stream.read(_LENGTH.size)
        if not length:
            return b""
        if len(length) < _LENGTH.size:
            raise self._unreadable(_("it is damaged or cut off"))
        (wanted,) = _LENGTH.unpack(length)
        if not _TAG <= wanted <= _PIECE + _TAG:
            raise self._unreadable(_("it is damaged or cut off"))
        sealed = self._stream.read(wanted)
        if len(sealed) < wanted:
            raise self._unreadable(_("it is damaged or cut off"))
        return sealed

    def _made_key(self, passphrase: Secret, how: bytes) -> bytes:
        try:
            said = json.loads(how)["scrypt"]
            cost = {name: int(said[name]) for name in _COST}
            # A file may ask for more than any machine has.
            if any(cost[name] > most for name, most in _DEAREST.items()):
                raise self._unreadable(_("its key would cost too much"))
            return _key(passphrase, str(said["salt"]), cost)
        except (ValueError, KeyError, TypeError) as err:
            raise self._unreadable(_("its head is damaged")) from err

    def _unreadable(self, reason: str) -> ExportUnreadable:
        return ExportUnreadable(file=self._file, reason=reason)


def _key(passphrase: Secret, salt: str, cost: dict[str, int]) -> bytes:
    secret = passphrase.reveal()
    return hashlib.scrypt(
        secret,
        salt=base64.b64decode(salt),
        maxmem=_MEMORY,
        dklen=32,
        n=cost["n"],
        r=cost["r"],
        p=cost["p"],
    )


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
