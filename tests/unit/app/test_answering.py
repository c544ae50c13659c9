"""Questions about recovery points: what is refused before a vault is opened."""

from pathlib import Path

import pytest

from holdfast.app.answering import Answerer
from holdfast.app.config import Settings
from holdfast.app.wiring import Session
from holdfast.fleet.questions import Asking, Question


@pytest.fixture
def answerer(tmp_path: Path) -> Answerer:
    return Answerer(Session(settings=Settings(home=str(tmp_path)), warn=lambda _: None))


def refusal(answerer: Answerer, kind: str) -> str:
    arguments = {"point": "1", "path": "vda1/etc/passwd"}
    answer = answerer.answer(Question(id="1", kind=kind, arguments=arguments))
    assert answer.error is not None
    return str(answer.error["code"])


@pytest.mark.parametrize("kind", [Asking.CONTENT, Asking.INSIDE_CONTENT])
def test_no_file_passes_where_the_settings_do_not_say_so(answerer: Answerer, kind: str) -> None:
    assert refusal(answerer, kind) == "downloads-not-allowed"


def test_question_of_a_later_version_is_told_as_not_understood(answerer: Answerer) -> None:
    assert refusal(answerer, "inside-of-tomorrow") == "question-not-understood"


def test_answerer_that_was_asked_nothing_closes(answerer: Answerer) -> None:
    answerer.close()
