"""The answers people come for, in both languages: nothing of one language is left in the other."""

import re

import pytest

from holdfast.base.texts import use_language
from holdfast.doctor.loading import load
from holdfast.doctor.matching import symptoms_for
from holdfast.doctor.report.explaining import explain
from holdfast.doctor.report.explanation_text import tell
from holdfast.doctor.report.text import Manner

ASKED = ("151076", "0x1FC07", "34513", "SalLowDiskSpace", "95226", "0x800700EA")
HANGUL = re.compile(r"[가-힣]")


def _told(asked: str, language: str) -> str:
    use_language(language)
    return "\n".join(tell(explain(load(), asked), Manner(width=100)))


def _english(asked: str) -> list[str]:
    """What the catalogue says in English of everything the answer speaks of."""
    catalogue = load()
    symptom = catalogue.symptoms[symptoms_for(catalogue, asked)[0]]
    causes = [catalogue.causes[name] for name in symptom.causes]
    remedies = [catalogue.remedies[name] for cause in causes for name in cause.remedies]
    return [
        symptom.title,
        *(cause.title for cause in causes),
        *(remedy.title for remedy in remedies),
    ]


@pytest.mark.parametrize("asked", ASKED)
def test_the_causes_stand_in_the_order_of_the_symptom(asked: str) -> None:
    told = _told(asked, "en")

    symptom = load().symptoms[symptoms_for(load(), asked)[0]]
    titles = [load().causes[name].title for name in symptom.causes]
    places = [told.index(f"{number}. {title}"[:60]) for number, title in enumerate(titles, 1)]
    assert places == sorted(places)
    assert len(places) > 0


@pytest.mark.parametrize("asked", ASKED)
def test_korean_is_korean_throughout(asked: str) -> None:
    english = _english(asked)

    told = _told(asked, "ko")

    assert HANGUL.search(told)
    assert [text for text in english if text in told] == []
    # Particles are chosen, not offered.
    assert not re.search(r"[을이은과]\((?:를|가|는|와)\)|\(으\)로", told)


@pytest.mark.parametrize("asked", ASKED)
def test_english_is_english_throughout(asked: str) -> None:
    told = _told(asked, "en")

    assert not HANGUL.search(told)
