"""Callers are answered in the language they ask for."""

import pytest
from starlette.datastructures import Headers

from holdfast.app.control.errors import NotThere
from holdfast.app.control.job_orders import error_record
from holdfast.app.control.plane import Plane
from holdfast.app.control.retelling import retold
from holdfast.base.texts import _, speaking
from holdfast.server.application import PREFIX
from holdfast.server.limits import ANYBODY, Limited
from holdfast.server.speaking import language_of
from holdfast.testing.planes import add_admin, client_of
from holdfast.vault.errors import WrongPassphrase


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("", "en"),
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en-US,ko;q=0.5", "en"),
        ("de, ko;q=0.1", "ko"),
        ("fr;q=x, *", "en"),
    ],
)
def test_language_that_is_liked_best_of_ours_is_spoken(wish: str, language: str) -> None:
    assert language_of(Headers({"accept-language": wish})) == language


def test_problem_is_told_in_the_language_of_its_caller(plane: Plane) -> None:
    client = client_of(plane, token=add_admin(plane).token)
    path = f"{PREFIX}/vaults/nowhere"

    korean = client.get(path, headers={"Accept-Language": "ko"}).json()
    english = client.get(path, headers={"Accept-Language": "en"}).json()

    for told, language in ((korean, "ko"), (english, "en")):
        with speaking(language):
            error = NotThere(what=_("vault"), name="nowhere")
            assert (told["detail"], told["remedy"]) == (str(error), error.advice)


def test_body_that_is_too_long_has_a_code_and_a_remedy(plane: Plane) -> None:
    from holdfast.server.application import make_app

    client = client_of(plane, app=Limited(make_app(plane)))

    answer = client.post(f"{PREFIX}/sessions", content=b"x" * (ANYBODY + 1))

    assert answer.status_code == 413
    assert answer.json()["code"] == "request-too-large"
    assert answer.json()["remedy"]


def test_error_of_a_job_is_told_again_in_the_language_of_the_reader() -> None:
    error = WrongPassphrase(place="/vault", keys=2)
    record = error_record(error)

    with speaking("ko"):
        said = retold(record)

    assert said is not None
    with speaking("ko"):
        assert (said["message"], said["remedy"]) == (str(error), error.advice)
    assert said["message"] != record["message"]


@pytest.mark.parametrize(
    "record",
    [
        {"code": "of-a-later-version", "message": "so it was", "fields": {}},
        {"code": "wrong-passphrase", "message": "so it was"},
        {"code": "wrong-passphrase", "message": "so it was", "fields": {}},
        None,
    ],
)
def test_error_that_cannot_be_told_again_stays_as_it_was(record: dict[str, object] | None) -> None:
    with speaking("ko"):
        assert retold(record) == record
