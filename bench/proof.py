"""Proves that what came back is what was there, in every attribute."""

from pathlib import Path

from holdfast.testing.compare import differences


class RestoreDiffers(Exception):
    """Fast but wrong."""


def prove(source: Path, restored: Path) -> None:
    found = differences(source, restored)
    if found:
        shown = "\n".join(found[:10])
        raise RestoreDiffers(f"{len(found)} differences after the restore, the first:\n{shown}")
