"""Which symptoms somebody means: by code in any notation, by name, by message, by id."""

import re
from collections.abc import Container, Iterable
from functools import cache

import re2

from holdfast.doctor.catalogue_types import Match
from holdfast.doctor.codes import codes_in, same_codes
from holdfast.doctor.loading import Catalogue


def symptoms_for(catalogue: Catalogue, asked: str) -> list[str]:
    """The symptoms that fit, the innermost code's first: the last one named knows most."""
    if asked in catalogue.symptoms:
        return [asked]
    matches = {name: symptom.match for name, symptom in catalogue.symptoms.items()}
    # A number is the original product's; our own errors carry it to be found by it as well.
    return best(dict(sorted(matches.items(), key=lambda one: is_ours(catalogue, one[0]))), asked)


def is_ours(catalogue: Catalogue, symptom: str) -> bool:
    return catalogue.owner("symptom", symptom).family == "ours"


def of_what_is_here(
    catalogue: Catalogue, symptoms: Iterable[str], here: Container[str]
) -> list[str]:
    """Of symptoms with the same key, one of ours and one of the original: that of what is here."""
    named = list(symptoms)
    ours = [name for name in named if is_ours(catalogue, name)]
    gone = set[str]()
    for own in ours:
        rivals = [name for name in named if name not in ours and _share(catalogue, own, name)]
        if not rivals:
            continue
        if catalogue.owners["symptom", own] in here:
            gone |= {name for name in rivals if catalogue.owners["symptom", name] not in here}
        else:
            gone.add(own)
    return [name for name in named if name not in gone]


def _share(catalogue: Catalogue, one: str, other: str) -> bool:
    return bool(_codes(catalogue, one) & _codes(catalogue, other))


def _codes(catalogue: Catalogue, symptom: str) -> set[str]:
    match = catalogue.symptoms[symptom].match
    numbers = {same for code in match.code for same in same_codes(code)}
    return numbers | {name.lower() for name in match.name}


def notes_for(catalogue: Catalogue, asked: str) -> list[str]:
    if asked in catalogue.notes:
        return [asked]
    return best({name: note.match for name, note in catalogue.notes.items()}, asked)


def causes_for(catalogue: Catalogue, asked: str) -> list[str]:
    """A cause by its id or by its printed code."""
    wanted = asked.strip().lower()
    return [
        name
        for name, cause in catalogue.causes.items()
        if wanted in {name.lower(), cause.code.lower()}
    ]


def causes_in(catalogue: Catalogue, text: str) -> list[str]:
    """The causes that a text names, alone or among other words."""
    words = [text, *(word.strip("()[]`'\",;:.") for word in text.split())]
    return list(dict.fromkeys(name for word in words for name in causes_for(catalogue, word)))


def best(matches: dict[str, Match], asked: str) -> list[str]:
    by_code = list(_by_code(matches, asked))
    by_name = [name for name, match in matches.items() if _named(match.name, asked)]
    by_message = [name for name, match in matches.items() if _says(match.message, asked)]
    return list(dict.fromkeys([*by_name, *by_code, *by_message]))


def _by_code(matches: dict[str, Match], asked: str) -> Iterable[str]:
    for code in reversed(codes_in(asked)):
        for name, match in matches.items():
            if any(same_codes(code) & same_codes(known) for known in match.code):
                yield name


def _named(names: Iterable[str], asked: str) -> bool:
    return any(
        re.search(rf"(?<!\w){re.escape(name)}(?!\w)", asked, re.IGNORECASE) for name in names
    )


def _says(patterns: Iterable[str], asked: str) -> bool:
    return any(_compiled(pattern).search(asked) for pattern in patterns)


@cache
def _compiled(pattern: str) -> "re2._Regexp[str]":
    options = re2.Options()
    options.case_sensitive = False
    return re2.compile(pattern, options)
