"""What a source hands over: bytes with their origin, or the reason why there are none."""

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One file or the output of one command; `name` is what people are shown."""

    name: str
    opened: Callable[[], BinaryIO] = field(repr=False)
    probe: str | None = None
    # Known to be complete at both ends: only then does the absence of a line prove something.
    whole: bool = False
    collected_at: datetime | None = None

    def open(self) -> BinaryIO:
        """Open for reading from the start; a gzipped generation of a log reads as its text."""
        stream = self.opened()
        head = stream.read(len(_GZIP))
        stream.seek(0)
        return gzip.GzipFile(fileobj=stream) if head == _GZIP else stream  # type: ignore[return-value]  # a GzipFile reads like any file

    def head(self, size: int = 65536) -> bytes:
        """Up to this many bytes from the start, as far as they can be read at all."""
        with self.open() as stream:
            try:
                return stream.read(size)
            except (OSError, EOFError):
                return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A probe that brought nothing, and why; the error text of a command is never an artefact."""

    probe: str
    reason: str
    # missing, timed-out or refused, as a bundle's manifest tells them apart.
    status: str = "missing"


def from_text(name: str, text: str | bytes, **known: object) -> Artefact:
    """An artefact that is already in memory: pasted text, a test's case."""
    raw = text.encode() if isinstance(text, str) else text
    return Artefact(name=name, opened=lambda: io.BytesIO(raw), **known)  # type: ignore[arg-type]  # the caller names real fields
