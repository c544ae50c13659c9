"""What may be asked of a site's hypervisor by a tunnel: what a migration there needs, and no more.

A socket of libvirt's is as good as root on its host. So the calls are read as they pass, and one
that is none of a migration ends the tunnel before any of it is passed on.

Format: libvirt's src/rpc/virnetprotocol.x; the numbers are of src/remote/remote_protocol.x.
"""

import struct
from typing import Final

from holdfast.replication.link_errors import DoorMisused

# Length with these bytes, program, version, procedure, type, serial, status.
_HEAD = struct.Struct("!IIIiIiI")
_LONGEST = 33 << 20
_REMOTE, _KEEPALIVE = 0x20008086, 0x6B656570
_CALL = 0
_ALLOWED: Final = {
    1: "connect-open",
    2: "connect-close",
    60: "connect-supports-feature",
    66: "auth-list",
    303: "domain-migrate-prepare3-params",
    306: "domain-migrate-finish3-params",
    360: "connect-register-close-callback",
    361: "connect-unregister-close-callback",
}


class MigrationCalls:
    """Of one connection; `passed` is given what comes, however it was cut."""

    def __init__(self) -> None:
        self._head = b""
        # Bytes of a packet that may pass and have not come yet.
        self._left = 0

    def passed(self, content: memoryview) -> bytes:
        """What may go on: all of it but the beginning of a packet's head, which is kept."""
        allowed = bytearray()
        while content:
            if self._left:
                part = content[: self._left]
                self._left -= len(part)
                allowed += part
            else:
                part = content[: _HEAD.size - len(self._head)]
                self._head += part
                allowed += self._whole_head()
            content = content[len(part) :]
        return bytes(allowed)

    def _whole_head(self) -> bytes:
        """The head of a packet that may pass, once it is whole."""
        if len(self._head) < _HEAD.size:
            return b""
        head, self._head = self._head, b""
        length, program, _version, procedure, kind, _serial, _status = _HEAD.unpack(head)
        if not _HEAD.size <= length <= _LONGEST:
            raise DoorMisused(reason=f"a packet of {length} bytes")
        is_fine = program == _KEEPALIVE or (
            program == _REMOTE and kind == _CALL and procedure in _ALLOWED
        )
        if not is_fine:
            raise DoorMisused(reason=f"procedure {procedure} of {program:#x}")
        self._left = length - _HEAD.size
        return head
