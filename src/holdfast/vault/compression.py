"""zstd as restic reads it: one frame, no dictionary, and never more output than we allow."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from holdfast.base.units import MIB

# Level 3 is restic's default as well: half a gigabyte a second on text.
LEVEL = 3
# What we accept from a foreign vault in one piece; a bomb stops here.
MAX_PLAIN = 1024 * MIB

ZstdError = zstd.ZstdError


class Compressor:
    """One kept context; not to be shared between threads."""

    def __init__(self, level: int = LEVEL) -> None:
        self._context = zstd.ZstdCompressor(level=level)

    def compress(self, plain: bytes | bytearray | memoryview) -> bytes:
        # mode is given by value: looking the constant up costs as much as a small frame.
        return self._context.compress(plain, 2)


def compress(plain: bytes) -> bytes:
    return Compressor().compress(plain)


def decompress(packed: bytes | bytearray | memoryview, *, limit: int = MAX_PLAIN) -> bytes:
    """The plain bytes of one frame; ZstdError if it is cut, damaged or larger than the limit."""
    context = zstd.ZstdDecompressor()
    plain = context.decompress(packed, max_length=limit)
    if not context.eof:
        raise ZstdError("the frame is cut or larger than announced")
    return plain
