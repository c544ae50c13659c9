"""The two ways of saying things: text for people, JSON lines for programs."""

import errno
import json
import sys
from pathlib import Path

import pytest

from holdfast.cli import output
from holdfast.cli.json_events import LocksRemoved
from holdfast.cli.output import JsonOutput, TextOutput
from holdfast.files.report import Phase, Progress, Skipped, SkipReason
from holdfast.testing.clock import FakeClock
from holdfast.vault.errors import NoVault

EVENT = LocksRemoved(removed=1, kept=0)
ODD = Skipped(path=b"/odd-\xff\n", errno=errno.EIO, reason=SkipReason.DAMAGED)


def test_text_puts_results_and_trouble_apart(capsys: pytest.CaptureFixture[str]) -> None:
    out = TextOutput(FakeClock())

    out.done(EVENT, "one lock")
    out.warning("careful")
    out.skipped([ODD], listed_in="/list")
    out.error(NoVault(place="/v"))

    said = capsys.readouterr()
    assert said.out == "one lock\n"
    assert "warning: careful\n" in said.err
    assert "/odd-\\xff\\n: damaged and unreadable" in said.err
    assert "(0x80070570, EIO)" in said.err
    assert "/list" in said.err
    assert "→ Check the location, or run `holdfast vault create /v`" in said.err
    assert "no-vault, 0x80070003 · docs/errors/no-vault.md" in said.err


def test_page_of_an_error_is_where_the_package_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "_PACKAGED", output.__file__.removesuffix("output.py"))
    monkeypatch.setattr(output, "_PACKAGED_DOCS", str(tmp_path))
    page = tmp_path / "docs" / "errors" / "no-vault.md"
    page.parent.mkdir(parents=True)
    page.touch()

    TextOutput(FakeClock()).error(NoVault(place="/v"))

    assert f"no-vault, 0x80070003 · {page}\n" in capsys.readouterr().err


def test_quiet_keeps_results_of_work_but_not_answers(capsys: pytest.CaptureFixture[str]) -> None:
    out = TextOutput(FakeClock(), quiet=True)

    out.done(EVENT, "work")
    out.remark("by the way")
    out.show(EVENT, "answer")
    out.warning("careful")

    said = capsys.readouterr()
    assert (said.out, said.err) == ("answer\n", "warning: careful\n")


def test_many_skipped_items_end_in_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    TextOutput(FakeClock()).skipped([ODD] * 510)

    lines = capsys.readouterr().err.splitlines()
    assert (len(lines), lines[-1]) == (501, "… and 10 more")


def test_json_puts_everything_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    out = JsonOutput(FakeClock())

    out.done(EVENT, "not this")
    out.remark("nor this")
    out.warning("odd \udcff")
    out.skipped([ODD])
    out.error(NoVault(place="/v"))

    said = capsys.readouterr()
    done, warning, skipped, error = map(json.loads, said.out.splitlines())
    assert said.err == ""
    assert done == {"event": "locks-removed", "version": 1, "removed": 1, "kept": 0}
    assert warning["message"] == "odd \\udcff"
    assert (skipped["path"], skipped["path_base64"]) == ("/odd-\\xff\n", "L29kZC3/Cg==")
    assert (skipped["code"], skipped["errno"]) == ("0x80070570", errno.EIO)
    assert (error["code"], error["exit_status"]) == ("no-vault", 10)


def test_json_progress_comes_at_most_once_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()

    with JsonOutput(clock).progress() as on_progress:
        for done in range(12):
            on_progress(Progress(phase=Phase.BACKUP, bytes_done=done))
            clock.sleep(0.25)

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["bytes_done"] for event in events] == [0, 4, 8]


def test_no_bar_where_nobody_looks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)

    with TextOutput(FakeClock()).progress() as on_progress:
        on_progress(Progress(phase=Phase.BACKUP))

    assert capsys.readouterr() == ("", "")
