"""The catalogue's texts in the language in use."""

from collections.abc import Iterator

import pytest

from holdfast.base.texts import use_language
from holdfast.doctor.catalogue_types import File
from holdfast.doctor.wording import say, texts_of
from tests.unit.doctor import small


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use_language("en")


def test_every_text_has_a_context_of_its_own() -> None:
    import tomllib

    import msgspec

    texts = dict(texts_of(msgspec.convert(tomllib.loads(small.TOML), File)))

    assert texts["component.app.title"] == "Example application"
    assert texts["cause.app.disk-full.found"] == "{device} was full {count} times"
    assert texts["remedy.app.free-space.step2"] == "Remove what nobody needs"
    assert "symptom.app.outer.meaning" not in texts


def test_values_are_filled_in() -> None:
    assert say("app", "x", "{path} has {ratio:.0%}", {"path": "/", "ratio": 0.25}) == "/ has 25%"


def test_value_that_was_not_given_or_does_not_fit_is_no_crash() -> None:
    said = say("app", "x", "{gone} {when:.1f}", {"when": "noon"})

    assert said == "? noon"


def test_text_without_values_keeps_its_braces() -> None:
    assert say("app", "x", "set {name}") == "set {name}"


def test_untranslated_text_stays_english() -> None:
    use_language("ko")

    assert say("no-such-component", "x", "Make room") == "Make room"


@pytest.mark.parametrize(
    ("path", "said"), [("디스크", "디스크가"), ("볼륨", "볼륨이"), ("C1", "C1이")]
)
def test_korean_particle_follows_the_value(path: str, said: str) -> None:
    use_language("ko")

    assert say("app", "x", "{path}이(가) 가득 찼습니다", {"path": path}).startswith(said)
