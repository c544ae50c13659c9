"""Keep the Korean texts of the doctor's catalogue in step with its TOML files.

`update [COMPONENT …]` collects the texts, `check` says what is missing or wrong, `fill FILE.json`
takes translations from a JSON object of context and text.
"""

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from holdfast.doctor.catalogue_types import File
from holdfast.doctor.wording import domain, texts_of
from tools.catalogue import HEADER, KOREAN, SOURCES, complaints, read, without_dates

FOLDER = SOURCES / "doctor" / "catalogue"


def components() -> dict[str, File]:
    files = (
        msgspec.convert(tomllib.loads(p.read_text()), File) for p in sorted(FOLDER.glob("*.toml"))
    )
    return {file.component.id: file for file in files}


def path_of(component: str) -> Path:
    return KOREAN.with_name(f"{domain(component)}.po")


def update(wanted: Iterable[str] = (), given: dict[str, str] | None = None) -> None:
    """Write each component's texts anew; what no longer fits its English stays, marked fuzzy."""
    for name, file in components().items():
        fits = not given or any(context in given for context, _ in texts_of(file))
        if fits and (not wanted or name in wanted):
            _write(path_of(name), _translated(file, read(path_of(name)), given or {}))


def _translated(file: File, old: Catalog, given: dict[str, str]) -> Catalog:
    by_context = {message.context: message for message in old if message.id}
    fresh = Catalog(locale="ko", project="holdfast", charset="utf-8")
    for context, text in texts_of(file):
        known = by_context.get(context)
        korean = given.get(context) or (str(known.string) if known else "")
        stale = context not in given and known is not None and bool(known.string)
        fuzzy = stale and (known.id != text or known.fuzzy)  # type: ignore[union-attr]  # stale says it is there
        fresh.add(text, korean, context=context, flags=["fuzzy"] if fuzzy else ())
    return fresh


def _write(path: Path, catalog: Catalog) -> None:
    catalog.header_comment, catalog.fuzzy = HEADER, False
    with path.open("wb") as file:
        write_po(file, catalog, width=100, sort_output=False, include_lineno=False)
    without_dates(path)


def problems() -> Iterator[str]:
    """Say for each text what is wrong with its translation."""
    for name, file in components().items():
        translated = read(path_of(name))
        known = {message.context: message for message in translated if message.id}
        wanted = dict(texts_of(file))
        for context, text in wanted.items():
            message = known.get(context)
            if message is None or message.id != text:
                yield f"{name}: not in the catalogue, run `./run texts`: {context}"
                continue
            yield from (f"{name}: {complaint}: {context}" for complaint in complaints(message))
        yield from (f"{name}: nobody says this any more: {c}" for c in known.keys() - wanted.keys())


def main(arguments: list[str]) -> int:
    match arguments:
        case ["update", *wanted]:
            update(wanted)
        case ["fill", file]:
            update(given=json.loads(Path(file).read_text(encoding="utf-8")))
        case _:
            found = list(problems())
            for problem in found:
                print(problem, file=sys.stderr)
            return 1 if found else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
