"""Whether a disk holds a file system of one instant, as a power cut at that instant would leave it."""

import subprocess  # noqa: TID251  only its own program can tell
from pathlib import Path

_MENDED = 1


class FileSystemBroken(AssertionError):
    """More is wrong with it than what the next mount puts right."""


def require_sound_file_system(raw: Path) -> None:
    """Of an ext4: its journal is run in the file, what was being removed is removed, and no more."""
    words = ["e2fsck", "-f", "-p", str(raw)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)  # noqa: S603  our own words
    if done.returncode not in {0, _MENDED}:
        raise FileSystemBroken(f"{done.stdout}{done.stderr}".strip())
