"""A sealed file of a server's state: records in their order, written and read one by one.

Inside the seal are compressed lines of JSON: first what it is, with the keys; then rows, some at a
time; last how many there were.
"""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, BinaryIO, cast

import msgspec
import zstandard

from holdfast.app.control.sealed_stream import SealedReader, SealedWriter
from holdfast.app.control.transfer_errors import ExportFileThere, ExportUnreadable
from holdfast.base.secret import Secret
from holdfast.storage.durable import sync_folder


class Head(msgspec.Struct, kw_only=True, tag="head"):
    made_at: datetime
    # The newest step of the tables; None: there are only keys.
    tables: str | None
    keys: dict[str, str]


class Rows(msgspec.Struct, kw_only=True, tag="rows"):
    table: str
    columns: list[str]
    rows: list[list[Any]]


class End(msgspec.Struct, kw_only=True, tag="end"):
    rows: int


Record = Head | Rows | End
_DECODER = msgspec.json.Decoder(Record)


@contextlib.contextmanager
def writing(file: str, passphrase: Secret) -> Iterator[Callable[[Record], None]]:
    """A function that writes a record; the file is there when all is, or not at all."""
    with appearing(file) as stream:
        sealed = SealedWriter(stream, passphrase)
        with zstandard.ZstdCompressor().stream_writer(
            cast("BinaryIO", sealed), closefd=False
        ) as lines:
            yield lambda record: _write(lines, record)
        sealed.finish()


@contextlib.contextmanager
def reading(file: str, passphrase: Secret) -> Iterator[Iterator[Record]]:
    try:
        stream = open(file, "rb")  # noqa: SIM115  closed below, where its errors are ours
    except OSError as err:
        raise ExportUnreadable(file=file, reason=err.strerror) from err
    with stream:
        sealed = SealedReader(stream, passphrase, file=file)
        lines = zstandard.ZstdDecompressor().stream_reader(io.BufferedReader(sealed))
        yield _records(io.BufferedReader(lines), file)


def _write(lines: Any, record: Record) -> None:
    lines.write(msgspec.json.encode(record) + b"\n")


def _records(lines: io.BufferedReader, file: str) -> Iterator[Record]:
    for line in lines:
        try:
            yield _DECODER.decode(line)
        except msgspec.MsgspecError as err:
            raise ExportUnreadable(file=file, reason=err) from err


@contextlib.contextmanager
def appearing(file: str) -> Iterator[BinaryIO]:
    """A new file that gets its name at the end; it holds keys, so it is for nobody else."""
    temporary = f"{file}.new"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise ExportUnreadable(file=file, reason=err.strerror) from err
    try:
        with open(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temporary, file)
    except FileExistsError as err:
        raise ExportFileThere(file=file) from err
    finally:
        os.unlink(temporary)
    sync_folder(os.path.dirname(os.path.abspath(file)))
