"""Compile the message catalogues: as a build step of the wheel, and as a script for the work tree."""

import os
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LOCALE = Path(__file__).parent.parent / "src" / "holdfast" / "locale"


def compile_all(locale: Path = LOCALE) -> list[Path]:
    """Write a .mo beside every .po and return what was written."""
    written = []
    for source in sorted(locale.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        # Other processes may have the old file mapped: replace it, never truncate it.
        fresh = target.with_suffix(f".mo.{os.getpid()}")
        with source.open("rb") as text, fresh.open("wb") as binary:
            write_mo(binary, read_po(text, locale=source.parent.parent.name))
        written.append(fresh.replace(target))
    return written


class CatalogueHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "catalogues"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatchling's signature
        compile_all()


if __name__ == "__main__":
    for path in compile_all():
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
