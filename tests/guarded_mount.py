"""Mounts of tests go when their test goes, even one that is killed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Its standard input ends when we do, whatever ends us.
_GUARD = 'read -r _; umount --lazy "$0"'


@contextmanager
def guarded_mount(at: Path) -> Iterator[Path]:
    """Take off at the end what was mounted there."""
    guard = subprocess.Popen(
        ["sh", "-c", _GUARD, str(at)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the tests
    )
    with guard:
        try:
            yield at
        finally:
            guard.kill()
            if subprocess.run(["umount", str(at)], check=False, capture_output=True).returncode:
                subprocess.run(["umount", "--lazy", str(at)], check=True)
