"""What somebody may have meant whose words fit nothing exactly."""

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable

from holdfast.doctor.loading import Catalogue
from holdfast.doctor.wording import say

SUGGESTED = 3
# So much of what the words say must be found again, as a share of their weight.
_ENOUGH = 0.45
_WORD = re.compile(r"[^\W_]{2,}")


def suggest(catalogue: Catalogue, text: str) -> tuple[str, ...]:
    """Keys that are spelled alike; failing that, symptoms and notes that use the same words."""
    return _spelled_alike(text, _keys(catalogue)) or _same_words(catalogue, text)


def _keys(catalogue: Catalogue) -> list[str]:
    """Everything short that can be asked for."""
    matches = [one.match for one in catalogue.symptoms.values()]
    matches += [one.match for one in catalogue.notes.values()]
    named = [key for match in matches for key in (*match.code, *match.name)]
    printed = [cause.code for cause in catalogue.causes.values()]
    return [*named, *printed, *catalogue.causes, *catalogue.symptoms, *catalogue.notes]


def _spelled_alike(text: str, known: Iterable[str]) -> tuple[str, ...]:
    by_lower = {key.lower(): key for key in known}
    near = difflib.get_close_matches(text.lower(), by_lower, n=SUGGESTED, cutoff=0.7)
    return tuple(by_lower[one] for one in near)


def _same_words(catalogue: Catalogue, text: str) -> tuple[str, ...]:
    asked = _words(text)
    if len(asked) < 2:  # noqa: PLR2004  one word alone fits too much
        return ()
    entries = dict(_texts(catalogue))
    used = Counter(word for words in entries.values() for word in words)
    weight = {word: math.log(1 + len(entries) / (1 + used[word])) for word in asked}
    whole = sum(weight.values())
    scored = [(sum(weight[w] for w in asked & words) / whole, n) for n, words in entries.items()]
    best = sorted((one for one in scored if one[0] >= _ENOUGH), reverse=True)
    return tuple(name for _score, name in best[:SUGGESTED])


def _texts(catalogue: Catalogue) -> Iterable[tuple[str, set[str]]]:
    """The words of every symptom and note, in English and in the language in use."""
    for name, symptom in catalogue.symptoms.items():
        texts = {"title": symptom.title, "meaning": symptom.meaning}
        yield name, _spoken(catalogue, "symptom", name, texts)
    for name, note in catalogue.notes.items():
        yield name, _spoken(catalogue, "note", name, {"title": note.title, "text": note.text})


def _spoken(catalogue: Catalogue, kind: str, name: str, texts: dict[str, str]) -> set[str]:
    owner = catalogue.owners[kind, name]
    said = (say(owner, f"{kind}.{name}.{key}", text) for key, text in texts.items() if text)
    return _words(" ".join([*texts.values(), *said]))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
