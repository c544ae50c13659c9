"""The doctor as a person or a script runs it."""

import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.e2e.conftest import SCRIPT, Bench

STRANGE = "0xDEADBEEF"


def _tell(bench: Bench, *arguments: str, status: int, given: bytes = b"") -> str:
    done = subprocess.run(
        [SCRIPT, "doctor", *arguments],
        env=bench.environment,
        input=given,
        capture_output=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == status, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


# Whatever else this machine suffers from, its status is one of these.
def _asked(bench: Bench, *words: str) -> Any:
    said = bench.run("doctor", *words, status=None)
    assert said.status in {1, 3}
    return json.loads(said.out)


def test_check_up_of_a_sound_vault_finds_nothing_of_ours(bench: Bench) -> None:
    report = json.loads(bench.run("doctor", "--json", status=None).out)

    assert report["schema"] == "holdfast.doctor/1"
    ours = {"vault", "scratch", "files"}
    assert [one["cause"] for one in report["findings"] if one["component"] in ours] == []


def test_vault_that_is_gone_is_named_with_its_remedy(empty: Bench) -> None:
    said = empty.run("doctor", status=1)

    assert "HF-VL001" in said.out
    assert "What to do:" in said.out


def test_options_may_stand_before_and_after_the_symptom(bench: Bench) -> None:
    before = _asked(bench, "--json", "--fail-on", "critical", STRANGE)
    after = _asked(bench, STRANGE, "--fail-on=critical", "--json")

    assert before["questions"] == after["questions"]
    assert before["questions"][0]["symptoms"] == []


def test_words_of_a_message_are_one_question(bench: Bench) -> None:
    said = _asked(bench, "no", "such", "message", "--json")

    assert [one["text"] for one in said["questions"]] == ["no such message"]


def test_options_of_the_group_reach_its_commands(empty: Bench) -> None:
    said = json.loads(empty.run("doctor", "--json", "explain", STRANGE, status=3).out)

    assert said["event"] == "doctor-explanation"


def test_file_folder_and_pipe_are_read_alike(empty: Bench) -> None:
    empty.write("logs/deep/notes.txt", "nothing the doctor knows\n")

    file = empty.run("doctor", "diagnose", empty.source / "logs/deep/notes.txt", "--json", status=3)
    folder = empty.run("doctor", "diagnose", empty.source, "--json", status=3)
    pipe = _tell(empty, "diagnose", "-", "--json", status=3, given=b"nothing the doctor knows\n")

    names = [json.loads(out)["looked_at"][0]["name"] for out in (file.out, folder.out, pipe)]
    assert names == [*[str(empty.source / "logs/deep/notes.txt")] * 2, "stdin"]


def test_what_nobody_can_read_is_no_health(empty: Bench) -> None:
    path = empty.write("garbage.bin", "\x00\x01\x02")

    said = empty.run("doctor", "diagnose", path, status=3)

    assert "Nothing that was given could be read" in said.out


def test_missing_file_is_bad_usage(empty: Bench) -> None:
    said = empty.run("doctor", "diagnose", empty.root / "gone.log", status=2)

    assert "doctor-input-missing" in said.err


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (["--set", "nothing.here=5"], "doctor-limit-unknown"),
        (["--suppress", "nothing.here=2030-01-01:because"], "doctor-suppression-wrong"),
        (["--suppress", "nothing.here"], "doctor-suppression-wrong"),
    ],
)
def test_wish_that_means_nothing_is_refused(empty: Bench, wish: list[str], code: str) -> None:
    said = empty.run("doctor", *wish, status=2)

    assert code in said.err


def test_two_formats_at_once_are_refused(empty: Bench) -> None:
    empty.run("doctor", STRANGE, "--sarif", "--junit", status=2)


def test_sarif_and_junit_are_what_they_say(empty: Bench) -> None:
    path = empty.write("notes.txt", "nothing\n")

    sarif = json.loads(empty.run("doctor", "diagnose", path, "--sarif", status=3).out)
    junit = ET.fromstring(empty.run("doctor", "diagnose", path, "--junit", status=3).out)

    assert sarif["version"] == "2.1.0"
    assert junit.tag == "testsuites"


def test_suppressions_of_the_home_folder_are_read(empty: Bench) -> None:
    empty.home.mkdir()
    (empty.home / "doctor.toml").write_text('[[suppress]]\ncause = "x"\n', encoding="utf-8")

    said = empty.run("doctor", status=2)

    assert "doctor-suppression-wrong" in said.err


def test_name_that_is_no_text_is_no_trouble(empty: Bench) -> None:
    folder = Path(empty.source)
    (folder / "odd\udcff.log").write_text("text\n", encoding="utf-8")

    said = json.loads(empty.run("doctor", "diagnose", folder, "--json", status=3).out)

    assert said["looked_at"][0]["name"].endswith("odd\\xff.log") or "udcff" in str(
        said["looked_at"]
    )


def test_help_of_the_group_names_symptoms_and_commands(empty: Bench) -> None:
    said = empty.run("doctor", "--help").out

    assert "SYMPTOM" in said
    assert "explain" in said
    assert "undecided" in said
