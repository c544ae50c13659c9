"""Changelog fragments are named `<issue>.<type>.md` or `+<words>.<type>.md`, and say something."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FRAGMENTS = ROOT / "changelog.d"


def types(pyproject: Path = ROOT / "pyproject.toml") -> list[str]:
    settings = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    return [kind["directory"] for kind in settings["tool"]["towncrier"]["type"]]


def problems(folder: Path = FRAGMENTS) -> Iterator[str]:
    wanted = re.compile(rf"(\d+|\+[a-z0-9][a-z0-9-]*)\.({'|'.join(types())})\.md")
    for fragment in sorted(folder.iterdir()):
        if fragment.name == ".gitignore":
            continue
        if not wanted.fullmatch(fragment.name):
            yield f"{fragment.name} is not named like +faster-restore.added.md"
        elif not fragment.read_text(encoding="utf-8").strip():
            yield f"{fragment.name} is empty"


if __name__ == "__main__":
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    sys.exit(1 if found else 0)
