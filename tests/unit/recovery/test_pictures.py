"""Pictures of a screen as browsers show them."""

import struct
import zlib

import pytest

from holdfast.hypervisor.console import Picture
from holdfast.recovery.checks.pictures import png_of

_PIXELS = bytes(range(18))


def test_png_stays_as_it_is() -> None:
    assert png_of(Picture(mime_type="image/png", data=b"as it is")) == b"as it is"


@pytest.mark.parametrize("head", [b"P6\n3 2\n255\n", b"P6\n# by a hypervisor\n3 2\n255\n"])
def test_pixmap_becomes_png_of_the_same_pixels(head: bytes) -> None:
    made = png_of(Picture(mime_type="image/x-portable-pixmap", data=head + _PIXELS))

    chunks = dict(_chunks(made))
    assert struct.unpack(">II", chunks[b"IHDR"][:8]) == (3, 2)
    assert zlib.decompress(chunks[b"IDAT"]) == b"\0" + _PIXELS[:9] + b"\0" + _PIXELS[9:]


def test_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="image/tiff"):
        png_of(Picture(mime_type="image/tiff", data=b"II*"))


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 8, []
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(kind + content)
        found.append((kind, content))
        at += 12 + length
    return found
