"""The recovery kit as one sealed file: a compressed archive under a passphrase.

Inside: kit.json, the runbook as text and as a page in each language, the plans, and the state of
the server as `server export` writes it, which stays sealed when it is unpacked.
"""

import contextlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import zstandard

from holdfast.app.control.sealed_stream import KIT, SealedReader, SealedWriter
from holdfast.app.control.state_file import appearing
from holdfast.app.control.transfer_errors import ExportUnreadable
from holdfast.app.recovery_kit import VERSION, Kit
from holdfast.app.recovery_kit_errors import (
    KitFolderNotEmpty,
    KitFolderUnusable,
    KitNewer,
    KitUnreadable,
)
from holdfast.base.secret import Secret
from holdfast.base.texts import _

KIT_FILE, STATE_FILE = "kit.json", "server.state"
_PRIVATE = 0o600


def write_kit(
    file: str, passphrase: Secret, texts: Mapping[str, bytes], *, state: str | None
) -> None:
    """`state` is a file that is put in whole; the kit is there when all of it is, or not at all."""
    with appearing(file) as stream:
        sealed = SealedWriter(stream, passphrase, magic=KIT)
        compressor = zstandard.ZstdCompressor()
        with (
            compressor.stream_writer(cast("BinaryIO", sealed), closefd=False) as packed,
            tarfile.open(fileobj=packed, mode="w|") as archive,
        ):
            for name, content in texts.items():
                archive.addfile(_member(name, len(content)), io.BytesIO(content))
            if state is not None:
                with open(state, "rb") as source:
                    archive.addfile(_member(STATE_FILE, os.fstat(source.fileno()).st_size), source)
        sealed.finish()


def read_kit(file: str, passphrase: Secret) -> tuple[Kit, dict[str, bytes]]:
    """The kit and its texts, without the server's state."""
    texts = {}
    with _members(file, passphrase) as members:
        for name, content in members:
            if name != STATE_FILE:
                texts[name] = content.read()
    try:
        kit = msgspec.json.decode(texts.get(KIT_FILE, b""), type=Kit)
    except msgspec.DecodeError as err:
        raise KitUnreadable(file=file, reason=err) from err
    if kit.version > VERSION:
        raise KitNewer(file=file, version=kit.version)
    return kit, texts


def unpack(file: str, passphrase: Secret, folder: str) -> list[str]:
    """Every part into an empty folder, readable by nobody else; their names."""
    root, names = Path(folder), []
    with _members(file, passphrase) as members:
        try:
            _require_empty(root)
            for name, content in members:
                _write(root / name, content)
                names.append(name)
        except OSError as err:
            raise KitFolderUnusable(folder=folder, reason=err.strerror or err) from err
    return names


def _require_empty(root: Path) -> None:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(root.iterdir()):
        raise KitFolderNotEmpty(folder=root)


def _write(place: Path, content: io.BufferedIOBase) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    with open(place, "xb", opener=_private) as target:
        while piece := content.read(1 << 20):
            target.write(piece)


@contextlib.contextmanager
def _members(file: str, passphrase: Secret) -> Iterator[Iterator[tuple[str, io.BufferedIOBase]]]:
    try:
        stream = open(file, "rb")  # noqa: SIM115  closed below, where its errors are ours
    except OSError as err:
        raise KitUnreadable(file=file, reason=err.strerror) from err
    with stream:
        try:
            sealed = SealedReader(stream, passphrase, file=file, wanted=KIT)
            lines = zstandard.ZstdDecompressor().stream_reader(io.BufferedReader(sealed))
            packed = io.BufferedReader(lines)
            with tarfile.open(fileobj=packed, mode="r|") as archive:
                yield _each(archive, file)
        except ExportUnreadable as err:
            raise KitUnreadable(file=file, reason=err.fields["reason"]) from err
        except (tarfile.TarError, zstandard.ZstdError, EOFError) as err:
            raise KitUnreadable(file=file, reason=err) from err


def _each(archive: tarfile.TarFile, file: str) -> Iterator[tuple[str, io.BufferedIOBase]]:
    for member in archive:
        content = archive.extractfile(member) if member.isreg() else None
        parts = Path(member.name).parts
        if content is None or Path(member.name).is_absolute() or ".." in parts:
            raise KitUnreadable(file=file, reason=_("it holds what no kit holds"))
        yield member.name, cast("io.BufferedIOBase", content)


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, _PRIVATE
    return member


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, _PRIVATE)
