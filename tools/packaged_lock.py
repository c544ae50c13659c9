"""The part of locks/runtime.txt that runs, without what only builds wheels; written to standard output."""

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
_NAME = re.compile(r"^([A-Za-z0-9][\w.-]*)", re.MULTILINE)


def packaged(lock: str, running: set[str], building: set[str]) -> str:
    """What neither of the two knows stays: another Python than this one may need it."""
    left_out = building - running
    blocks = re.split(r"(?m)^(?=\S)", lock)
    return "".join(block for block in blocks if _name(block) not in left_out)


def _name(block: str) -> str:
    found = _NAME.match(block)
    return canonicalize_name(found.group(1)) if found else ""


def reachable(wanted: Iterable[str]) -> set[str]:
    """Names of all that these requirements bring, by what is installed beside this program."""
    found: set[str] = set()
    queue = [Requirement(line) for line in wanted]
    while queue:
        one = queue.pop()
        name = canonicalize_name(one.name)
        if all(f"{name}[{extra}]" in found for extra in ("", *one.extras)):
            continue
        found.update({name, *(f"{name}[{extra}]" for extra in ("", *one.extras))})
        queue += _brought_by(name, {"", *one.extras})
    return {name for name in found if "[" not in name}


def _brought_by(name: str, extras: set[str]) -> list[Requirement]:
    try:
        listed = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return []
    return [
        one
        for one in listed
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def main() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    running = reachable(["holdfast[server]"])
    building = reachable(settings["dependency-groups"]["build"])
    lock = (ROOT / "locks" / "runtime.txt").read_text(encoding="utf-8")
    sys.stdout.write(packaged(lock, running, building))


if __name__ == "__main__":
    main()
