"""What the complaints of QEMU's tools mean."""

import re
from typing import Final

from holdfast.base.errors import HoldfastError
from holdfast.disks.errors import (
    BitmapMissing,
    BitmapUnusable,
    ImageInUse,
    ImageMissing,
    ImageUnreadable,
)

# Nothing of the caller's matters to them, and their complaints have to be in English.
ENVIRONMENT: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
}
# An image it could not open may be one below the image that was named.
_MISSING = re.compile(r"Could not open '([^']+)': No such file or directory")
_IN_USE = re.compile(r"Failed to get .*lock(?:\n.*\[(.+?)\]\?)?")
_UNREADABLE = re.compile(
    r"Image is not in \w+ format|Image is corrupt|Unsupported [^\n]+|Could not read [^\n]+"
)
_NO_BITMAP = re.compile(r"Bitmap '([^']+)' is not found")
_BAD_BITMAP = re.compile(r"Bitmap '([^']+)' is inconsistent")


def known_failure(image: object, complained: bytes) -> HoldfastError | None:
    """The error with a name of its own that a complaint is; None: one of many."""
    words = complained.decode(errors="backslashreplace")
    if found := _NO_BITMAP.search(words):
        return BitmapMissing(image=image, bitmap=found[1])
    if found := _BAD_BITMAP.search(words):
        return BitmapUnusable(image=image, bitmap=found[1])
    if missing := _MISSING.findall(words):
        return ImageMissing(image=missing[-1])
    if found := _IN_USE.search(words):
        return ImageInUse(image=found[1] or image)
    if found := _UNREADABLE.search(words):
        return ImageUnreadable(image=image, reason=found[0].strip())
    return None
