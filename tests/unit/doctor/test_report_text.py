"""The report as a person reads it."""

import re
from collections.abc import Iterator

import pytest
from rich.cells import cell_len

from holdfast.base.texts import use_language
from holdfast.doctor.examination import Wishes
from holdfast.doctor.report import explanation_text
from holdfast.doctor.report.building import build
from holdfast.doctor.report.citing import cite
from holdfast.doctor.report.explaining import explain
from holdfast.doctor.report.layout import Sheet, printable, shortened, wrapped
from holdfast.doctor.report.phrases import quantity, source
from holdfast.doctor.report.text import Manner, tell
from tests.unit.doctor import small
from tests.unit.doctor.small import FULL, QUIET, RECOVERED, visit

GOLDEN = """\
✗  Example application  2 causes found, 1 cause not decided

Codes, from the outside in
  95001  app.outer
    └ 0x80070070  app.job-failed

Symptom: The job failed
  The last job ended without a result.

Symptom: The job ended with an error of its own

ROOT CAUSE: The disk is full
HF-AP001 · critical · app.disk-full
  /dev/sdb1 was full 1 times
  Proof
    app.log:2
      2026-03-01 10:00:05 ERROR no space left on /dev/sdb1
  It explains
    · The application could not write (HF-AP002)
      1 writes failed
      app.log:3
        2026-03-01 10:00:06 ERROR write failed
  What to do: Make room (destroys something)
    1. See what takes the room
        du -x / | sort -n | tail
    2. Remove what nobody needs
    ✓ It worked when: `df` shows room.
    ↶ To undo: What is removed is gone.

Cannot be decided yet, likeliest first
  1. Little room is left (HF-AP003)
     → Room on the disks: Run `df -k`
"""


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use_language("en")


def _told(log: str, *asked: str, manner: Manner | None = None, wishes: Wishes | None = None) -> str:
    report = build(small.catalogue(), visit(log, *asked, wishes=wishes))
    return "\n".join(tell(report, manner or Manner(width=80))) + "\n"


def test_root_cause_comes_first_with_proof_and_remedy() -> None:
    assert _told(FULL, "95001: 0x80070070") == GOLDEN


def test_nothing_found_says_so_and_what_was_looked_at() -> None:
    told = _told(QUIET)

    assert "No fault was found" in told
    assert re.search(r"Looked at\n  app.log  levelled", told)


def test_unknown_names_what_would_decide_and_at_most_three() -> None:
    many = "".join(
        f'[cause."app.c{n}"]\ncode = "HF-AX{n:03}"\ntitle = "Cause {n}"\nwhy = "w"\nfound = "f"\n'
        'probes = ["app.log"]\nremedies = ["app.look"]\ncheck = { event = ["app.write-failed"] }\n'
        for n in range(5)
    )
    causes = ", ".join(f'"app.c{n}"' for n in range(5))
    text = (
        many
        + f'[symptom."app.many"]\ntitle = "Many"\nmatch = {{ code = ["777777"] }}\ncauses = [{causes}]\n'
    )
    catalogue = small.catalogue(small.TOML + text)
    from holdfast.doctor.examination import ask, examine

    seen = examine(catalogue, [], asked=(ask(catalogue, "777777"),))
    few = "\n".join(tell(build(catalogue, seen), Manner()))
    every = "\n".join(tell(build(catalogue, seen), Manner(everything=True)))

    assert few.count("Take `/var/log/app.log`") == 3
    assert "… and 2 causes more" in few
    assert every.count("Take `/var/log/app.log`") == 5


def test_what_is_ruled_out_shows_where() -> None:
    told = _told(RECOVERED, "4711")

    assert "✓ The disk is full (app.log:5)" in told


def test_unknown_key_says_so_and_what_is_close() -> None:
    told = _told(QUIET, "JobFailled")

    assert "The catalogue does not know JobFailled" in told
    assert "Close to it: JobFailed" in told


def test_unknown_key_is_named_beside_another_cause() -> None:
    told = _told(FULL, "JobFailled")

    assert "ROOT CAUSE: The disk is full" in told
    assert "The catalogue does not know JobFailled" in told
    assert "Close to it: JobFailed" in told


def test_suppressed_cause_is_one_quiet_line() -> None:
    told = _told(FULL, wishes=Wishes(suppressed={"app.disk-full"}))

    assert "Suppressed, as somebody asked for: The disk is full (HF-AP001)" in told
    assert "ROOT CAUSE: The application could not write" in told


def test_colour_only_where_it_is_wanted() -> None:
    plain, coloured = _told(FULL), _told(FULL, manner=Manner(width=80, colour=True))

    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_log_cannot_command_the_terminal() -> None:
    told = _told("2026-03-01 10:00:05 ERROR write failed \x1b]0;gotcha\x07\x1b[2J\n")

    assert "\x1b" not in told
    assert "\\x1b]0;gotcha" in told


@pytest.mark.parametrize("width", [40, 60, 80])
def test_prose_fits_the_page_and_typed_lines_stay_whole(width: int) -> None:
    text = "글자는 두 칸을 차지합니다 " * 20 + "`du -x / | sort -n | tail`"

    lines = list(wrapped(text, width))

    assert max(map(cell_len, lines)) <= width
    assert any("`du -x / | sort -n | tail`" in line for line in lines)


def test_columns_line_up_in_korean() -> None:
    sheet = Sheet()

    sheet.table([("", ("가나다", "끝")), ("", ("abc", "end"))])

    first, second = sheet.lines
    assert cell_len(first[: first.index("끝")]) == second.index("end")


@pytest.mark.parametrize(("text", "width"), [("한국어 문장", 6), ("plain text", 5), ("short", 10)])
def test_shortened_text_fits(text: str, width: int) -> None:
    assert cell_len(shortened(text, width)) <= width


def test_tabs_and_controls_show() -> None:
    assert printable("a\tb\x07") == "a    b\\x07"


def test_explanation_holds_everything_that_is_known() -> None:
    told = "\n".join(
        explanation_text.tell(explain(small.catalogue(), "4711"), Manner(width=80, verbose=True))
    )

    order = [told.index(code) for code in ("HF-AP003", "HF-AP001", "HF-AP002")]
    assert order == sorted(order)
    for wanted in (
        "The last job ended without a result.",
        "Why: Nothing can be written to a full disk.",
        "Limit min_free: 1000 bytes (from 003:L50, 2020-08-27)",
        "du -x / | sort -n | tail",
        "Source: 003:L40 (MARS agent: files and folders, 2019-07-15)",
        "003:L45",
        r"no space left on (?P<device>\S+)",
    ):
        assert wanted in told


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("HF-AP001", "The disk is full"),
        ("app.disk-low", "Little room is left"),
        ("app.log", "The application writes `/var/log/app.log`."),
    ],
)
def test_causes_and_notes_are_explained_too(asked: str, said: str) -> None:
    explained = explain(small.catalogue(), asked)

    assert explained.exit_status == 0
    assert said in "\n".join(explanation_text.tell(explained, Manner()))


def test_what_nobody_knows_is_status_3() -> None:
    assert explain(small.catalogue(), "0xDEADBEEF").exit_status == 3


def test_overridden_limit_is_shown_as_such() -> None:
    explained = explain(small.catalogue(), "HF-AP003", {"app.disk-low.min_free": 5.0})

    assert "5 bytes" in "\n".join(explanation_text.tell(explained, Manner()))
    assert explained.causes[0].thresholds[0].overridden


def test_references_name_their_documents_once() -> None:
    assert cite(["003:L44", "003:L45", "K1", "issue 68695", "003:L44"]) == (
        "003:L44, 003:L45 (MARS agent: files and folders, 2019-07-15); "
        "K1 (SupportArticles-docs: manage-protection-network-bandwidth-usage, KB 3056159); "
        "issue 68695"
    )


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.05, "ratio", "5 %"),
        (0.001, "ratio", "0.1 %"),
        (48, "h", "48 hours"),
        (48.0, "hours", "48 hours"),
        ("2.2.41", "version", "2.2.41"),
        (64, "MiB", "64 MiB"),
    ],
)
def test_limit_is_said_with_its_unit(value: float | str, unit: str, said: str) -> None:
    assert quantity(value, unit) == said


def test_english_remark_on_a_limit_is_not_said_in_korean() -> None:
    use_language("ko")

    assert source("003:L24, the lower end of 5-10 %") == "003:L24"
    assert source("002:L117, A7: standard storage, 8 KB") == "002:L117, A7"
