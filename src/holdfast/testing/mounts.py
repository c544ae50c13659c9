"""A mount served by a process of its own, as users have it."""

import contextlib
import os
import signal
import subprocess  # noqa: TID251  the mount must be in another process than its readers
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from holdfast.app.config import Settings
from holdfast.app.mount import MountRequest, mount
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.files.mount.place import mounted_kind, unmount

READY = "ready"
_PATIENCE = 90


@dataclass(frozen=True, slots=True)
class Mounted:
    """A running mount; what it says about problems is in `said` once it has ended."""

    path: Path
    process: subprocess.Popen[str]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(_PATIENCE)

    def said(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    @property
    def is_mounted(self) -> bool:
        return mounted_kind(os.fsencode(self.path)) is not None


@contextlib.contextmanager
def mounted(vault: Path, passphrase_file: Path, mountpoint: Path) -> Iterator[Mounted]:
    """Mount a vault, and take the mount away whatever happens."""
    words = [sys.executable, "-m", __name__, str(vault), str(passphrase_file), str(mountpoint)]
    process = subprocess.Popen(  # noqa: S603  our own module
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            if process.stdout.readline().strip() != READY:
                assert process.stderr is not None
                raise RuntimeError(process.stderr.read())
            yield Mounted(mountpoint, process)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            process.kill()
            if mounted_kind(os.fsencode(mountpoint)) is not None:
                unmount(os.fsencode(mountpoint))


def _serve(vault: str, passphrase_file: str, mountpoint: str) -> int:
    settings = Settings(
        home=f"{passphrase_file}.home",
        vault=vault,
        passphrase_file=passphrase_file,
        keyring=timedelta(0),
    )
    session = Session(settings=settings, warn=_complain)
    request = MountRequest(mountpoint=os.fsencode(mountpoint))
    try:
        mount(session, request, on_ready=_say_ready)
    except HoldfastError as err:
        _complain(f"{err.code}: {err}")
        return err.exit_status
    return 0


def _say_ready() -> None:
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(_serve(*sys.argv[1:]))
