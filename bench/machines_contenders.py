"""Who stores and restores the same disk image: ours, restic, borg, and plain copies as a limit."""

import shlex
import sys
from pathlib import Path

from bench.contenders import Borg, Contender, Holdfast, Restic, Seat, first_line
from bench.measure import Command

_POINT = Path(__file__).with_name("machines_point.py")


class HoldfastImage(Holdfast):
    """As `backup --vm` reads a disk: over NBD, from QEMU's own program, whose start counts too."""

    can = frozenset({"full", "restore"})

    def backup(self, seat: Seat, source: Path) -> Command:
        return self._point(seat, "full", str(source))

    def increment(self, seat: Seat, source: Path, bitmap: str) -> Command:
        return self._point(seat, "incremental", str(source), bitmap)

    def restore(self, seat: Seat, to: Path) -> Command:
        return self._point(seat, "restore", str(to / "disk.raw"))

    def _point(self, seat: Seat, *words: str) -> Command:
        command = self.command(seat)
        argv = [sys.executable, str(_POINT), *words]
        return Command(argv=argv, env=command.env, folder=command.folder)


class ResticImage(Restic):
    can = frozenset({"full", "restore"})


class BorgImage(Borg):
    can = frozenset({"full"})


class Copy(Contender):
    """Copies without a key, a hash or a sync: how fast reading and packing alone can be."""

    can = frozenset({"full"})

    def create(self, seat: Seat) -> Command:
        return self.command(seat, "mkdir", str(seat.vault))

    def command(self, seat: Seat, *words: str) -> Command:
        env = Restic().command(seat).env
        return Command(argv=words, env=env, folder=seat.folder)


class NbdZstd(Copy):
    """An image served as for us, in a pipe with one thread of zstd."""

    name = "nbdcopy | zstd -1"
    _zstd = "zstd -q -1"

    def version(self) -> str:
        zstd = first_line(["zstd", "--version"]).strip("* ")
        return f"{first_line(['nbdcopy', '--version'])}; {zstd}"

    def backup(self, seat: Seat, source: Path) -> Command:
        image, out = shlex.quote(str(source)), shlex.quote(str(seat.vault / "disk.zst"))
        served = f"[ qemu-nbd --read-only --format raw {image} ]"
        script = f"nbdcopy -- {served} - | {self._zstd} -o {out}"
        return self.command(seat, "bash", "-o", "pipefail", "-c", script)


class NbdZstdThreads(NbdZstd):
    """The same with as many threads as there are processors."""

    name = "nbdcopy | zstd -1 -T0"
    _zstd = "zstd -q -1 -T0"


class QemuConvert(Copy):
    name = "qemu-img convert"

    def version(self) -> str:
        return first_line(["qemu-img", "--version"])

    def backup(self, seat: Seat, source: Path) -> Command:
        out = seat.vault / "disk.qcow2"
        return self.command(
            seat, *("qemu-img", "convert", "-f", "raw", "-O", "qcow2"), str(source), str(out)
        )


def contenders(holdfast: str) -> list[Contender]:
    return [
        ResticImage(),
        HoldfastImage(holdfast),
        NbdZstd(),
        NbdZstdThreads(),
        BorgImage(),
        QemuConvert(),
    ]
