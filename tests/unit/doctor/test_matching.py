"""What people type leads to the symptom they mean."""

import pytest

from holdfast.doctor.examination import ask, understand
from holdfast.doctor.matching import causes_for, notes_for, symptoms_for
from tests.unit.doctor import small


@pytest.mark.parametrize(
    "asked",
    [
        "app.job-failed",
        "0x80070070",
        "2147942512",
        "-2147024784",
        "4711",
        "JobFailed",
        "jobfailed",
        "the job has failed again",
        "작업이 실패했습니다",
        "error 4711 in line 3",
    ],
)
def test_every_kind_of_key_finds_the_symptom(asked: str) -> None:
    assert symptoms_for(small.catalogue(), asked) == ["app.job-failed"]


@pytest.mark.parametrize("asked", ["0x80070071", "471", "47110", "JobFailedToo", "all is well", ""])
def test_what_merely_looks_like_a_key_finds_nothing(asked: str) -> None:
    assert symptoms_for(small.catalogue(), asked) == []


def test_innermost_code_comes_first_and_the_chain_is_kept() -> None:
    asked = ask(small.catalogue(), "95001: provider said 0x80070070")

    assert asked.symptoms == ("app.job-failed", "app.outer")
    assert asked.codes == (("95001", ("app.outer",)), ("0x80070070", ("app.job-failed",)))


def test_unknown_code_of_a_chain_is_kept_too() -> None:
    asked = ask(small.catalogue(), "95001 (0x8007FFFF)")

    assert asked.symptoms == ("app.outer",)
    assert asked.codes == (("95001", ("app.outer",)), ("0x8007FFFF", ()))


@pytest.mark.parametrize("asked", ["app.disk-full", "HF-AP001", "hf-ap001"])
def test_cause_is_known_by_its_id_and_its_printed_code(asked: str) -> None:
    assert causes_for(small.catalogue(), asked) == ["app.disk-full"]


def test_note_is_found_by_its_key() -> None:
    assert notes_for(small.catalogue(), "what is in app.log") == ["app.where-logs-are"]


def test_words_are_one_message_first() -> None:
    together = understand(small.catalogue(), ["job", "failed"])

    assert [one.text for one in together] == ["job failed"]
    assert together[0].symptoms == ("app.job-failed",)


def test_typing_error_is_answered_with_what_is_close() -> None:
    asked = ask(small.catalogue(), "JobFailled")

    assert asked.symptoms == ()
    assert asked.close[0] == "JobFailed"


def test_message_in_other_words_is_answered_with_what_says_the_same() -> None:
    asked = ask(small.catalogue(), "the last job ended with no result")

    assert asked.symptoms == ()
    assert asked.close[0] == "app.job-failed"


@pytest.mark.parametrize("text", ["completely unrelated words", "job", ""])
def test_what_says_nothing_of_the_kind_is_answered_with_nothing(text: str) -> None:
    assert ask(small.catalogue(), text).close == ()
