"""What an artefact is taken for: by its content, however it is called."""

from collections.abc import Iterator

import pytest

from holdfast.doctor.artefacts import Artefact, from_text
from holdfast.doctor.facts import Fact, LogSeen
from holdfast.doctor.readers_registry import READERS, Reader
from holdfast.doctor.reading import PLAIN, Reading, matches_path, recognise
from tests.unit.doctor import small


def test_log_is_known_whatever_its_file_is_called() -> None:
    known = recognise(from_text("notes.docx", small.FULL))

    assert known.layout is not None
    assert known.layout.stream == small.STREAM


def test_text_of_no_layout_is_still_searched() -> None:
    reading = Reading(small.catalogue())

    (known,) = reading.read([from_text("mail.txt", "He wrote: the job has failed\nRegards\n")])

    assert known.layout is PLAIN
    assert list(reading.symptoms) == ["app.job-failed"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp949"])
def test_log_of_another_encoding_is_the_same_log(encoding: str) -> None:
    reading = Reading(small.catalogue())

    reading.read(
        [from_text("app.log", small.FULL.replace("INFO job", "INFO 작업").encode(encoding))]
    )

    assert [one.stream for one in reading.facts.of(LogSeen)] == [small.STREAM]
    assert reading.facts.count("app.disk-full") == 1


def test_reader_that_raises_is_a_finding_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(artefact: Artefact) -> Iterator[Fact]:
        raise RuntimeError(artefact.name)

    monkeypatch.setattr(
        "holdfast.doctor.reading.READERS",
        [Reader("app.volumes", broken, lambda *_: True), *READERS],
    )
    reading = Reading(small.catalogue())

    reading.read([from_text("app.log", small.FULL)])

    assert [name for name, _ in reading.crashed] == ["app.log"]
    assert reading.facts.count("app.disk-full") == 1


def test_very_many_hits_are_counted_and_the_ends_kept() -> None:
    line = "2026-03-01 10:00:05 ERROR write failed\n"
    reading = small.reading(line * 1000)

    assert reading.facts.count("app.write-failed") == 1000
    kept = reading.facts.event("app.write-failed")
    assert (kept[0].span.first, kept[-1].span.first) == (1, 1000)
    assert len(kept) <= 200


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("sos-host/var/log/app.log", "var/log/app.log", True),
        (r"C:\logs\CBEngineCurr.errlog", "CBEngine*.errlog", True),
        ("var/log/other.log", "app.log", False),
    ],
)
def test_place_in_an_archive_is_matched_from_its_end(path: str, pattern: str, fits: bool) -> None:
    assert matches_path(path, (pattern,)) is fits


def test_answer_of_a_linux_host_is_no_windows_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = '[probe."app.windows"]\ntitle = "t"\nobtain = "o"\nplatform = "windows"\n'
    catalogue = small.catalogue(small.TOML + windows)
    greedy = Reader("app.windows", lambda _: [small.volume(1)], lambda *_: True)
    monkeypatch.setattr("holdfast.doctor.reading.READERS", [greedy])
    asked, pasted = Reading(catalogue), Reading(catalogue)

    (known,) = asked.read([from_text("df", "text", probe="app.volumes")])
    pasted.read([from_text("df", "text")])

    assert known.readers == ()
    assert asked.facts.platforms == {"linux"}
    assert pasted.facts.platforms == {"windows"}
