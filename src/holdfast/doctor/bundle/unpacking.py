"""Unpack archives of unknown origin: nothing outside the folder, no links, no bombs.

Our own bundles, sos archives, the Azure agent's zip files, a folder somebody packed: all end up
as plain files below one temporary folder. An archive in an archive is unpacked once more.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from holdfast.doctor.errors import BundleUnreadable

_MIB = 1 << 20
_COPY = _MIB
_DEEPEST = 2
_LONGEST_NAME = 255
_ZIP, _TAR_AT, _TAR = b"PK\x03\x04", 257, b"ustar"
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)
_DAMAGED_ZIP = (NotImplementedError, RuntimeError, ValueError)  # encrypted, odd compression
_PACKED: dict[bytes, Callable[[str], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}


@dataclass(slots=True)
class Limits:
    """What all archives of one bundle may come to together."""

    files: int = 20_000
    size: int = 4096 * _MIB
    # Unpacked to packed; text packs well, but not that well.
    ratio: int = 400
    left_out: list[str] = field(default_factory=list)


def is_archive(path: str) -> bool:
    """A tar, packed or not, or a zip; a gzipped log is none."""
    with open(path, "rb") as stream:
        head = stream.read(512)
    return head.startswith(_ZIP) or _is_tar(path, head)


def _is_tar(path: str, head: bytes) -> bool:
    for magic, opened in _PACKED.items():
        if head.startswith(magic):
            try:
                with opened(path) as stream:
                    head = stream.read(512)
            except _DAMAGE:
                return False
    return head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR


def unpack(path: str, folder: str, limits: Limits | None = None, *, depth: int = 0) -> Limits:
    """Unpack below the folder; what is refused is named in the limits, damage keeps what came before."""
    limits = limits or Limits()
    limits.size = min(limits.size, max(os.path.getsize(path), 1) * limits.ratio)
    try:
        members = _zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path)
        for name, size, stream in members:
            _keep(name, size, stream, folder=folder, limits=limits)
    except (*_DAMAGE, *_DAMAGED_ZIP) as err:
        limits.left_out.append(f"{os.path.basename(path)}: {err}")
        if not any(files for _, _, files in os.walk(folder)):
            raise BundleUnreadable(file=path, reason=err) from err
    if depth < _DEEPEST:
        _unpack_inner(folder, limits, depth)
    return limits


def _unpack_inner(folder: str, limits: Limits, depth: int) -> None:
    inner = [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names]
    for path in sorted(inner):
        if is_archive(path):
            below = f"{path}.d"
            os.makedirs(below, exist_ok=True)
            try:
                unpack(path, below, limits, depth=depth + 1)
            except BundleUnreadable:
                continue
            os.unlink(path)


def _tar_members(path: str) -> Iterator[tuple[str, int, IO[bytes]]]:
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is not None:
                yield member.name, member.size, stream


def _zip_members(path: str) -> Iterator[tuple[str, int, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir() and not _is_link(member):
                with archive.open(member) as stream:
                    yield member.filename, member.file_size, stream


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _keep(name: str, size: int, stream: IO[bytes], *, folder: str, limits: Limits) -> None:
    target = _safe(folder, name)
    if target is None or limits.files <= 0 or size > limits.size:
        limits.left_out.append(name)
        return
    limits.files -= 1
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as copy:
        # The size an archive states need not be true.
        while limits.size > 0 and (piece := stream.read(min(_COPY, limits.size))):
            copy.write(piece)
            limits.size -= len(piece)


def _is_no_name(part: str) -> bool:
    return "\0" in part or len(part.encode("utf-8", "replace")) > _LONGEST_NAME


def _safe(folder: str, name: str) -> str | None:
    """Where a member goes; None for a name that leads out or that no file can have."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", "."}]
    if not parts or ".." in parts or any(_is_no_name(part) for part in parts):
        return None
    if len(parts[0]) == 2 and parts[0][1] == ":":  # noqa: PLR2004  a drive letter
        parts = parts[1:]
    target = os.path.join(folder, *parts)
    taken = os.path.lexists(target) or any(
        os.path.isfile(os.path.join(folder, *parts[:n])) for n in range(1, len(parts))
    )
    return None if taken else target
