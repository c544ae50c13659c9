"""The files of the extension as they go into a guest, and the scripts that are sent to it."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

# In the order of the digest.
NAMES: Final = ("VERSION", "extension", "lock.sh", "hooks/mariadb", "hooks/postgresql")
FOLDER: Final = "/var/lib/holdfast/extension"
RUN: Final = "/run/holdfast-extension"
_HERE: Final = Path(__file__).parent


@cache
def content(name: str) -> bytes:
    return (_HERE / "bundle" / name).read_bytes()


def version() -> str:
    return content("VERSION").decode().strip()


@cache
def digest() -> str:
    """Of all files one after the other, as the guest computes it of what it has."""
    return hashlib.sha256(b"".join(map(content, NAMES))).hexdigest()


def sent(name: str) -> str:
    """A script the host sends with what it needs to know of locks."""
    script = (_HERE / "sent" / f"{name}.sh").read_text()
    return content("lock.sh").decode() + script
