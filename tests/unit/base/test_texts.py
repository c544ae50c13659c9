"""Speaking one language or the other."""

from concurrent.futures import ThreadPoolExecutor

from holdfast.base.texts import N_, _, ngettext, speaking, use_language
from holdfast.storage.errors import FileMissing

UNKNOWN = "A sentence that stands in no catalogue"


def test_english_is_the_language_of_the_sources() -> None:
    use_language("en")

    assert _(FileMissing.sentence) == FileMissing.sentence


def test_korean_error_keeps_its_fields() -> None:
    error = FileMissing(place="/backup", name="config")

    use_language("ko")

    assert str(error) != FileMissing.sentence.format(place="/backup", name="config")
    assert "/backup" in str(error)
    assert "config" in str(error)
    assert "`holdfast check`" in error.advice


def test_unknown_language_falls_back_to_english() -> None:
    use_language("xx")

    assert _(FileMissing.sentence) == FileMissing.sentence


def test_sentence_without_translation_is_said_in_english() -> None:
    use_language("ko")

    assert _(UNKNOWN) == UNKNOWN


def test_plural_follows_the_count() -> None:
    said = [ngettext("{count} sheep alone", "{count} sheep together", n) for n in (0, 1, 2)]

    assert said == ["{count} sheep together", "{count} sheep alone", "{count} sheep together"]


def test_marking_changes_nothing() -> None:
    assert N_(UNKNOWN) is UNKNOWN


def test_each_thread_speaks_as_it_was_told() -> None:
    use_language("en")

    with speaking("ko"):
        here = _(FileMissing.sentence)
        with ThreadPoolExecutor(1) as threads:
            there = threads.submit(_, FileMissing.sentence).result()

    assert here != FileMissing.sentence
    assert there == FileMissing.sentence == _(FileMissing.sentence)
