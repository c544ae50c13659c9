"""Nothing of the source documents is forgotten: every row and every further code is found.

`source_rows.txt` lists the places in the five source documents that hold a fact, a cause, a step,
a number, a path or a tool; `further_codes.txt` the documented codes beyond them.
"""

from pathlib import Path

import msgspec
import pytest

from holdfast.doctor.loading import KINDS, load
from holdfast.doctor.matching import notes_for, symptoms_for

FOLDER = Path(__file__).parents[2] / "cases" / "doctor"


def _refs() -> set[str]:
    catalogue = load()
    entries = [
        entry
        for kind in KINDS
        for entry in getattr(catalogue, "remedies" if kind == "remedy" else f"{kind}s").values()
    ]
    steps = [step for remedy in catalogue.remedies.values() for step in remedy.steps]
    return {ref for entry in (*entries, *steps) for ref in entry.refs}


def test_every_row_of_the_source_documents_has_its_place_in_the_catalogue() -> None:
    rows = (FOLDER / "source_rows.txt").read_text().split()

    missing = [row for row in rows if row not in _refs()]

    assert missing == []


@pytest.mark.parametrize("asked", (FOLDER / "further_codes.txt").read_text().splitlines())
def test_every_further_code_is_found(asked: str) -> None:
    assert symptoms_for(load(), asked) or notes_for(load(), asked)


def test_every_entry_names_its_source() -> None:
    """What is ours has no document; everything else can be looked up."""
    catalogue = load()

    nameless = [
        name
        for kind in ("cause", "symptom", "note")
        for name, entry in getattr(catalogue, f"{kind}s").items()
        if not entry.refs and catalogue.owner(kind, name).family != "ours"
    ]

    assert nameless == []


def test_a_threshold_says_where_it_is_from() -> None:
    for name, cause in load().causes.items():
        for key, param in cause.param.items():
            built = msgspec.structs.asdict(param)
            assert all(str(built[part]) for part in ("unit", "source", "dated")), f"{name}.{key}"
