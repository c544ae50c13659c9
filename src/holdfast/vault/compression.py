"""zstd as restic reads it: one frame, no dictionary, and never more output than we allow."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from holdfast.base.units import MIB

# On source text level 2 packs within half a percent of level 3, which is what restic's default
# comes to, and takes a fifth less time; level 4 takes twice as long and gains nothing.
LEVEL = 2
# What we accept from a foreign vault in one piece; a bomb stops here.
MAX_PLAIN = 1024 * MIB

ZstdError = zstd.ZstdError


# Below this a trial costs as much as the work; above it three pieces of a page are looked at.
_TRIAL_FROM = 64 << 10
_PIECE = 4096
_TRIAL_GAIN = 0.98


class Compressor:
    """One kept context; not to be shared between threads."""

    def __init__(self, level: int = LEVEL) -> None:
        self._context = zstd.ZstdCompressor(level=level)

    def compress(self, plain: bytes | bytearray | memoryview) -> bytes:
        # mode is given by value: looking the constant up costs as much as a small frame.
        return self._context.compress(plain, 2)

    def is_worth_it(self, plain: bytes | bytearray | memoryview) -> bool:
        """Whether a sample gets smaller; media and encrypted files do not, and are the bulk."""
        length = len(plain)
        if length < _TRIAL_FROM:
            return True
        view = memoryview(plain)
        starts = (0, length // 2, length - _PIECE)
        packed = sum(len(self.compress(view[at : at + _PIECE])) for at in starts)
        return packed < _TRIAL_GAIN * _PIECE * len(starts)


def compress(plain: bytes) -> bytes:
    return Compressor().compress(plain)


def decompress(packed: bytes | bytearray | memoryview, *, limit: int = MAX_PLAIN) -> bytes:
    """The plain bytes of one frame; ZstdError if it is cut, damaged or larger than the limit."""
    context = zstd.ZstdDecompressor()
    plain = context.decompress(packed, max_length=limit)
    if not context.eof:
        raise ZstdError("the frame is cut or larger than announced")
    return plain
