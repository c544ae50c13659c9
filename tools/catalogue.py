"""Keep the Korean catalogue in step with the sentences of the code.

`update` collects the sentences into the catalogue, `check` says what is missing or wrong in it.
"""

import ast
import re
import string
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "src" / "holdfast"
KOREAN = SOURCES / "locale" / "ko" / "LC_MESSAGES" / "holdfast.po"
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "N_": None, "ngettext": (1, 2)}
HEADER = "# Korean messages of Holdfast; docs/glossary.md owns the words."
# What is typed is not translated: a remedy that names a command must still name it.
_TYPED = re.compile(r"`([^`]+)`")


def collect(sources: Path = SOURCES) -> Catalog:
    """Every message of the code, without line numbers, so that moving code changes nothing."""
    catalog = Catalog(project="holdfast", charset="utf-8")
    for file, message, context in _extract(sources):
        catalog.add(message, locations=[(file, 0)], context=context)
    return catalog


@cache
def _extract(sources: Path) -> list[tuple[str, str | tuple[str, ...], str | None]]:
    found = extract_from_dir(sources, [("**.py", "python")], keywords=KEYWORDS)
    said = [(file, text, context) for file, _, text, _, context in sorted(found, key=_place)]
    return [*said, *_within_texts(sources)]


def _within_texts(sources: Path) -> Iterator[tuple[str, str, None]]:
    """What is said in the fields of f-strings, of which Babel sees the outside only."""
    for path in sorted(sources.rglob("*.py")):
        for text in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(text, ast.JoinedStr):
                name = path.relative_to(sources).as_posix()
                yield from ((name, message, None) for message in _said_in(text))


def _said_in(text: ast.JoinedStr) -> Iterator[str]:
    for call in ast.walk(text):
        match call:
            case ast.Call(func=ast.Name("_"), args=[ast.Constant(str(message)), *_rest]):
                yield message
            case _:
                pass


def _place(found: tuple[object, ...]) -> tuple[object, ...]:
    return found[:2]


def read(path: Path = KOREAN) -> Catalog:
    if not path.exists():
        return Catalog(locale=path.parent.parent.name)
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def update(path: Path = KOREAN) -> None:
    """Add new messages, drop those nobody says any more, keep every translation that still fits."""
    catalog = read(path)
    catalog.update(collect(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.header_comment, catalog.fuzzy = HEADER, False
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(
            file, catalog, width=100, sort_output=True, omit_header=False, include_lineno=False
        )
    without_dates(path)


def problems(path: Path = KOREAN) -> Iterator[str]:
    """Say for each message what is wrong with its translation."""
    said, translated = collect(), read(path)
    for message in said:
        if message.id and translated.get(message.id) is None:
            yield f"not in the catalogue, run `./run texts`: {_first(message)!r}"
    for message in translated:
        if not message.id:
            continue
        if said.get(message.id) is None:
            yield f"nobody says this any more, run `./run texts`: {_first(message)!r}"
        yield from (f"{complaint}: {_first(message)!r}" for complaint in complaints(message))


def complaints(message: Message) -> Iterator[str]:
    texts = _all(message.string)
    if message.fuzzy:
        yield "fuzzy"
    if not texts or not all(texts):
        yield "untranslated"
        return
    # "one file" may leave its number out, so a plural is held to the last form only.
    wanted = _all(message.id)[-1]
    for text in texts:
        if placeholders(text) != placeholders(wanted):
            yield f"placeholders differ, {placeholders(wanted)} and {placeholders(text)}"
        if sorted(_TYPED.findall(text)) != sorted(_TYPED.findall(wanted)):
            yield "what is typed between backticks differs"


def placeholders(text: str) -> list[str]:
    """Fields of a str.format template with conversion and format, in a fixed order."""
    parts = string.Formatter().parse(text)
    return sorted(
        f"{name}!{conversion or ''}:{spec or ''}"
        for _literal, name, spec, conversion in parts
        if name is not None
    )


def _all(texts: object) -> list[str]:
    return list(texts) if isinstance(texts, (tuple, list)) else [str(texts or "")]


def _first(message: Message) -> str:
    return _all(message.id)[0]


def without_dates(path: Path) -> None:
    """Two people who add a sentence each must not collide in the header's dates."""
    lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines(keepends=True)
    dated = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator')
    named = ('"Project-Id', '"Report-Msgid-Bugs-To', '"Language-Team')
    kept = "".join(line for line in lines if not line.startswith(dated + named))
    path.write_text(kept.rstrip() + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    if arguments == ["update"]:
        update()
        return 0
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
