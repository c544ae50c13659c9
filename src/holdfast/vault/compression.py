"""zstd as restic reads it: one frame, no dictionary, and never more output than we allow."""

import threading
from typing import TYPE_CHECKING

import zstandard

from holdfast.base.units import MIB

if TYPE_CHECKING:
    from collections.abc import Callable

# On source text level 2 packs within half a percent of level 3, which is what restic's default
# comes to, and takes a fifth less time; level 4 takes twice as long and gains nothing.
LEVEL = 2
# What we accept from a foreign vault in one piece; a bomb stops here.
MAX_PLAIN = 1024 * MIB
# Below this a trial costs as much as the work; above it three pieces of a page are looked at.
TRIAL_FROM = 64 << 10
_PIECE = 4096
_TRIAL_GAIN = 0.98
_UNKNOWN = -1
# A byte of a bomb may become 32 KiB: fed so slowly, none gets far before it is noticed.
_FED = 1024

ZstdError = zstandard.ZstdError

_of_thread = threading.local()


class Compressor:
    """One kept context; not to be shared between threads."""

    def __init__(self, level: int = LEVEL) -> None:
        # The context's own method: one call less for each of millions of small blobs.
        self.compress: Callable[[bytes | bytearray | memoryview], bytes] = zstandard.ZstdCompressor(
            level=level
        ).compress

    def is_worth_it(self, plain: bytes | bytearray | memoryview) -> bool:
        """Whether a sample gets smaller; media and encrypted files do not, and are the bulk."""
        length = len(plain)
        if length < TRIAL_FROM:
            return True
        view = memoryview(plain)
        starts = (0, length // 2, length - _PIECE)
        packed = sum(len(self.compress(view[at : at + _PIECE])) for at in starts)
        return packed < _TRIAL_GAIN * _PIECE * len(starts)


def compress(plain: bytes) -> bytes:
    return Compressor().compress(plain)


def decompress(packed: bytes | bytearray | memoryview, *, limit: int = MAX_PLAIN) -> bytes:
    """The plain bytes of one frame; ZstdError if it is cut, damaged or larger than the limit."""
    announced = zstandard.frame_content_size(packed)
    if announced > limit:
        raise ZstdError(f"the frame announces {announced} bytes, more than {limit}")
    if announced == _UNKNOWN:
        return _streamed(packed, limit)
    return _context().decompress(packed, max_output_size=limit, allow_extra_data=False)


def _streamed(packed: bytes | bytearray | memoryview, limit: int) -> bytes:
    """A frame that does not say how much is in it, which restic writes for small files."""
    view, plain = memoryview(packed), bytearray()
    frame = _context().decompressobj(read_across_frames=False)
    for at in range(0, len(view), _FED):
        plain += frame.decompress(view[at : at + _FED])
        if len(plain) > limit:
            raise ZstdError(f"the frame holds more than {limit} bytes")
        if frame.eof:
            break
    if not frame.eof or frame.unused_data:
        raise ZstdError("the frame is cut, or something follows it")
    return bytes(plain)


def _context() -> zstandard.ZstdDecompressor:
    """This thread's own, kept: making one costs more than a small frame."""
    found: zstandard.ZstdDecompressor | None = getattr(_of_thread, "context", None)
    if found is None:
        found = _of_thread.context = zstandard.ZstdDecompressor()
    return found
