"""How jobs ended is kept, briefly, and whatever happens to the note the error arrives."""

import json
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.job_records import FILE, find, note, recorded, records
from holdfast.app.wiring import Session
from holdfast.storage.errors import PlaceMissing
from holdfast.testing.clock import FakeClock


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(settings=Settings(home=str(tmp_path)), warn=print, clock=FakeClock())


def _lines(session: Session) -> list[dict[str, object]]:
    text = Path(session.settings.home, FILE).read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_job_that_ends_well_says_so(session: Session) -> None:
    with recorded(session, "backup") as outcome:
        outcome.skipped = 2

    (line,) = _lines(session)
    assert (line["job"], line["result"], line["skipped"]) == ("backup", "warnings", 2)


def test_a_job_that_fails_keeps_its_error_and_what_lay_under_it(session: Session) -> None:
    with pytest.raises(PlaceMissing), recorded(session, "backup"):
        raise PlaceMissing(place="/backup", name="config", reason="gone") from OSError(2, "gone")

    (line,) = _lines(session)
    assert line["error"] == "place-missing"
    assert line["fields"] == {"place": "/backup", "name": "config", "reason": "gone"}
    assert line["chain"] == ["FileNotFoundError: [Errno 2] gone errno=2"]


def test_a_failed_job_carries_what_the_doctor_found(session: Session) -> None:
    with pytest.raises(PlaceMissing) as caught, recorded(session, "backup"):
        raise PlaceMissing(place="/backup", name="config", reason="gone")

    assert caught.value.hint is not None
    assert caught.value.hint.cause == "vault.place-missing"
    assert "/backup" in caught.value.hint.sentence
    record = find(session.settings.home, caught.value.hint.job)
    assert record is not None
    assert record["error"] == "place-missing"


def test_the_record_does_not_grow_for_ever(session: Session) -> None:
    home = session.settings.home
    for number in range(1200):
        note(home, {"holdfast": "job", "number": number, "padding": "x" * 1000})

    lines = _lines(session)
    assert len(lines) < 1100
    assert lines[-1]["number"] == 1199


def test_a_home_that_cannot_be_written_hides_no_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    session = Session(settings=Settings(home=str(tmp_path / "home")), warn=print, clock=FakeClock())

    with pytest.raises(PlaceMissing), recorded(session, "backup"):
        raise PlaceMissing(place="/backup", name="config", reason="gone")


DAMAGED = b'{"id": "\xff\xfe"}\n[1, 2]\n"text"\n7\n\x00\xd8\n{"cut in the mid\n'


def test_what_is_no_record_is_passed_over(session: Session) -> None:
    home = Path(session.settings.home)
    note(str(home), {"holdfast": "job", "id": "a"})
    with (home / FILE).open("ab") as stream:
        stream.write(DAMAGED)
    note(str(home), {"holdfast": "job", "id": "b"})

    found = [record["id"] for record in records(str(home))]

    assert found == ["a", "b"]
    assert find(str(home), "b") == {"holdfast": "job", "id": "b"}
    assert find(str(home), "c") is None
