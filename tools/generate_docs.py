"""Write the pages of docs/ that the code knows best: errors, exit statuses, CLI, JSON, the doctor."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tools import cli_page, doctor_pages, error_pages, json_page

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
# Folders in which every page is ours, so that a page nobody writes any more is removed.
WHOLLY_GENERATED = ("errors",)


def pages() -> dict[str, str]:
    """Content by path below docs/."""
    result = dict(error_pages.pages())
    if find_spec("holdfast.cli.main") is not None:
        result["reference/cli.md"] = cli_page.page()
    if find_spec("holdfast.cli.json_events") is not None:
        result["reference/json.md"] = json_page.page()
    result |= doctor_pages.pages()
    return result


def orphans(wanted: dict[str, str], docs: Path = DOCS) -> list[Path]:
    return [
        path
        for folder in WHOLLY_GENERATED
        for path in sorted((docs / folder).glob("*.md"))
        if path.relative_to(docs).as_posix() not in wanted
    ]


def outdated(docs: Path = DOCS) -> Iterator[str]:
    """Name each page that differs from what the code says today."""
    wanted = pages()
    for name, content in wanted.items():
        path = docs / name
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            yield name
    yield from (path.relative_to(docs).as_posix() for path in orphans(wanted, docs))


def write(docs: Path = DOCS) -> None:
    wanted = pages()
    for path in orphans(wanted, docs):
        path.unlink()
    for name, content in wanted.items():
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(content, encoding="utf-8")


def main(arguments: list[str]) -> int:
    if arguments != ["--check"]:
        write()
        return 0
    stale = list(outdated())
    for name in stale:
        print(f"docs/{name} is not what the code says, run `./run docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
