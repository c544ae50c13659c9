"""Every sentence exists in Korean, with the same fields and the same commands to type."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from tools import catalogue, error_pages


def test_korean_is_complete() -> None:
    assert list(catalogue.problems()) == []


def test_every_error_is_collected_for_translation() -> None:
    said = catalogue.collect()

    forgotten = [
        f"{error.__name__}: {text}"
        for error in error_pages.known_errors()
        for text in (error.sentence, error.remedy)
        if said.get(text) is None
    ]

    assert forgotten == []  # wrap it in N_()


def test_what_is_said_within_another_text_is_collected(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text("said = f'<b>{escape(_(\"Log out\"))}</b>'\n")

    assert catalogue.collect(tmp_path).get("Log out") is not None


@pytest.mark.parametrize(
    ("message", "translation", "complaint"),
    [
        ("{place} is full", "", "untranslated"),
        ("{place} is full", "{palce}이 가득 찼습니다", "placeholders differ"),
        ("{place} is full", "가득 찼습니다", "placeholders differ"),
        ("{share:.1f} % done", "{share} % 완료", "placeholders differ"),
        ("{name!r} is no size", "{name}은 크기가 아닙니다", "placeholders differ"),
        ("Run `holdfast prune`", "`홀드패스트 정리`를 실행하십시오", "typed between backticks"),
        (("{n} file", "{n} files"), ("파일 여러 개",), "placeholders differ"),
    ],
)
def test_wrong_translation_is_named(
    tmp_path: Path,
    message: str | tuple[str, str],
    translation: str | tuple[str],
    complaint: str,
) -> None:
    path = _catalogue(tmp_path, message, translation)

    found = [problem for problem in catalogue.problems(path) if complaint in problem]

    assert found


def test_fuzzy_translation_is_named(tmp_path: Path) -> None:
    path = _catalogue(tmp_path, "{place} is full", "{place}이 가득 찼습니다", fuzzy=True)

    assert any(problem.startswith("fuzzy") for problem in catalogue.problems(path))


def test_sentence_nobody_says_is_named_and_dropped(tmp_path: Path) -> None:
    path = _catalogue(tmp_path, "Nobody says this", "아무도 말하지 않습니다")

    before = [problem for problem in catalogue.problems(path) if "Nobody says this" in problem]
    catalogue.update(path)
    after = [problem for problem in catalogue.problems(path) if "Nobody says this" in problem]

    assert (len(before), after) == (1, [])


def test_update_keeps_what_is_translated(tmp_path: Path) -> None:
    path = tmp_path / "ko" / "LC_MESSAGES" / "holdfast.po"
    path.parent.mkdir(parents=True)
    path.write_bytes(catalogue.KOREAN.read_bytes())
    before = _translations(path)

    catalogue.update(path)

    after = _translations(path)
    assert {message: before.get(message, "") for message in after} == after


def _translations(path: Path) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalogue.read(path) if message.id}


def _catalogue(
    folder: Path,
    message: str | tuple[str, str],
    translation: str | tuple[str],
    *,
    fuzzy: bool = False,
) -> Path:
    path = folder / "ko" / "LC_MESSAGES" / "holdfast.po"
    path.parent.mkdir(parents=True)
    catalog = Catalog(locale="ko", fuzzy=False)
    catalog.add(message, translation, flags=["fuzzy"] if fuzzy else [])
    with path.open("wb") as file:
        write_po(file, catalog)
    return path
