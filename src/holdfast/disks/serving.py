"""Images served by QEMU's own programs: over NBD to us and to tools, as a file by FUSE.

A program that serves is ended by its id. One that serves NBD also ends by itself when this
process dies: it ends with its last client, and we are one from its first moment to its last.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TypeVar

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.programs import Service, last_words, run_tool, start_service
from holdfast.disks.errors import (
    DiskConnectionLost,
    DiskServerEnded,
    DiskServerSilent,
    DiskServerUnreachable,
)
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.nbd_wire import DIRTY_BITMAP
from holdfast.disks.tool_failures import ENVIRONMENT, known_failure

_CLIENTS = 32
_START_PATIENCE = 60.0
_END_PATIENCE = 30.0
_PAUSE = 0.02

T = TypeVar("T")


@contextlib.contextmanager
def served_image(  # noqa: PLR0913  what is served, and as what
    image: Path,
    socket: Path,
    *,
    format_: str,
    clock: Clock,
    bitmap: str | None = None,
    is_writable: bool = False,
    has_depths: bool = False,
    lets_others_write: bool = False,
) -> Iterator[UnixAddress]:
    """An image over NBD at `socket`; a bitmap of it is the context `bitmap_context` names.

    `has_depths`: the context ALLOCATION_DEPTH says in which image of its chain each part lies.
    `lets_others_write`: its machine may be started meanwhile, which otherwise would fail. Whoever
    reads must see afterwards that nobody has written, or throw away what was read.
    """
    options = ["--socket", os.path.abspath(socket)]
    named = os.path.abspath(image)
    if lets_others_write:
        driver = "host_device" if image.is_block_device() else "file"
        named = f"driver={format_},file.driver={driver},file.filename={_escaped(image)}"
        named += ",force-share=on"
        options += ["--image-opts"]
    else:
        options += ["--format", format_]
    options += ["--shared", str(_CLIENTS), "--discard=unmap"]
    options += [] if is_writable else ["--read-only"]
    options += [] if bitmap is None else ["--bitmap", bitmap]
    options += ["--allocation-depth"] if has_depths else []
    address = UnixAddress(path=Path(os.path.abspath(socket)))
    # Of another one that was killed: nobody is to be met there but the one we start.
    address.path.unlink(missing_ok=True)
    try:
        with (
            _running(["qemu-nbd", *options, named], image) as program,
            program.first(lambda: _first_client(address), clock),
        ):
            yield address
    finally:
        # Killed, it leaves its socket behind.
        address.path.unlink(missing_ok=True)


@contextlib.contextmanager
def mounted_image(
    image: Path,
    file: Path,
    *,
    format_: str,
    clock: Clock,
    is_writable: bool = False,
    is_bound: bool = False,
) -> Iterator[Path]:
    """What the disk of an image holds, as the content of `file`, which is made for it.

    `is_bound`: the program ends with the thread that is here, however that one ends.
    """
    file.touch()
    try:
        with tempfile.TemporaryDirectory() as folder:
            ready = Path(folder, "pid")
            arguments = _fuse_arguments(image, file, format_=format_, is_writable=is_writable)
            if is_bound:
                arguments = ["setpriv", "--pdeathsig", "TERM", *arguments]
            with _running([*arguments, "--pidfile", str(ready)], image) as program:
                # It writes its id when its exports are there.
                program.first(lambda: ready.exists() or None, clock)
                yield file
    finally:
        _clear(file)


def bitmap_context(bitmap: str) -> str:
    """Under what name a served bitmap is asked for."""
    return f"{DIRTY_BITMAP}{bitmap}"


class _Program:
    """A program that serves an image, and what it says."""

    def __init__(self, arguments: Sequence[str], image: Path, log: IO[bytes]) -> None:
        self._name = arguments[0]
        self._image = image
        self._log = log
        self._service: Service = start_service(arguments, environment=ENVIRONMENT, log=log)

    def first(self, attempt: Callable[[], T | None], clock: Clock) -> T:
        """The first success of an attempt that finds nothing until the program is ready."""
        deadline = clock.monotonic() + _START_PATIENCE
        while True:
            found = attempt()
            if found is not None:
                return found
            if self._service.status() is not None:
                raise self._failure()
            if clock.monotonic() > deadline:
                raise DiskServerSilent(place=self._name, seconds=round(_START_PATIENCE))
            clock.sleep(_PAUSE)

    def end(self) -> None:
        self._service.end(patience=_END_PATIENCE)

    def _failure(self) -> HoldfastError:
        self._log.seek(0)
        said = self._log.read()
        return known_failure(self._image, said) or DiskServerEnded(
            program=self._name, image=self._image, said=last_words(said)
        )


@contextlib.contextmanager
def _running(arguments: Sequence[str], image: Path) -> Iterator[_Program]:
    with tempfile.TemporaryFile() as log:
        program = _Program(arguments, image, log)
        try:
            yield program
        finally:
            program.end()


def _first_client(address: UnixAddress) -> NbdClient | None:
    try:
        return NbdClient(address, contexts=())
    except (DiskServerUnreachable, DiskConnectionLost):
        return None


def _fuse_arguments(image: Path, file: Path, *, format_: str, is_writable: bool) -> list[str]:
    only = "off" if is_writable else "on"
    below = f"driver=file,node-name=file,filename={_escaped(image)},read-only={only}"
    above = f"driver={format_},node-name=disk,file=file,read-only={only}"
    writable = "on" if is_writable else "off"
    export = f"type=fuse,id=export,node-name=disk,mountpoint={_escaped(file)},writable={writable}"
    blocks = ["--blockdev", f"{below},discard=unmap", "--blockdev", f"{above},discard=unmap"]
    return ["qemu-storage-daemon", *blocks, "--export", export]


def _escaped(path: Path) -> str:
    """A comma in a value is written twice."""
    return os.path.abspath(path).replace(",", ",,")


def _clear(file: Path) -> None:
    """Remove the file, also when the program was killed and left its mount behind."""
    try:
        file.unlink(missing_ok=True)
    except OSError:
        run_tool(["umount", "-l", os.path.abspath(file)], environment=ENVIRONMENT)
        file.unlink(missing_ok=True)
