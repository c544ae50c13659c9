"""The file status.json: replaced whole, so that who reads it at any moment reads one or the other.

It is written every few seconds and can be lost: the next one says all of it again, but for what
has happened. So nothing waits for it to reach the disk.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_
from holdfast.replication.spare_room import written
from holdfast.replication.status import VERSION, ReplicationStatus

NAME = "status.json"
_PART = ".status.json.part"


class ReplicationStatusNewer(HoldfastError):
    code = "replication-status-newer"
    sentence = N_("{path} was written by a newer Holdfast (version {version})")
    remedy = N_("Update Holdfast here, then run the same command again.")


class _Version(msgspec.Struct):
    version: int = VERSION


def write_status(folder: Path, status: ReplicationStatus) -> None:
    """A status that cannot be written fails nothing: its age tells that it is not to be trusted."""
    content = encode(status)
    with contextlib.suppress(OSError):
        written(folder, lambda: _replace(folder, content))


def _replace(folder: Path, content: bytes) -> None:
    part = folder / _PART
    try:
        part.write_bytes(content)
        # Servers' agents and people of the same group read it, nobody else.
        part.chmod(0o640)
        os.replace(part, folder / NAME)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def encode(status: ReplicationStatus) -> bytes:
    return msgspec.json.format(msgspec.json.encode(status), indent=2) + b"\n"


def read_status(folder: Path) -> ReplicationStatus | None:
    """None before there is one, and of one a power cut has torn."""
    path = folder / NAME
    try:
        content = path.read_bytes()
        version = msgspec.json.decode(content, type=_Version).version
        if version > VERSION:
            raise ReplicationStatusNewer(path=path, version=version)
        return msgspec.json.decode(content, type=ReplicationStatus)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
