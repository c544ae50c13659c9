"""What every command has in common: statuses, languages, JSON, quiet, secrets."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import PASSPHRASE, SCRIPT, Bench


def test_no_command_shows_the_help(empty: Bench) -> None:
    said = empty.run(status=2)

    assert "Commands:" in said.out + said.err


@pytest.mark.parametrize(
    "arguments", [["pointz"], ["points", "--bogus"], ["points", "--latest", "0"], ["backup"]]
)
def test_usage_errors_end_with_2(bench: Bench, arguments: list[str]) -> None:
    said = bench.run(*arguments, status=2)

    assert "Error: " in said.err
    assert said.out == ""


def test_usage_error_is_json_where_json_was_asked_for(empty: Bench) -> None:
    said = empty.run("--json", "pointz", status=2)

    assert said.event("error")["code"] == "usage"
    assert said.err == ""


def test_no_vault_ends_with_10(empty: Bench) -> None:
    empty.vault.mkdir()

    said = empty.run("points", status=10)

    assert f"There is no vault at {empty.vault}" in said.err
    assert f"holdfast vault create {empty.vault}" in said.err


def test_missing_place_ends_with_10(empty: Bench) -> None:
    assert "place-missing" in empty.run("points", status=10).err


def test_no_vault_named_is_a_question_of_usage(empty: Bench) -> None:
    said = empty.run("points", status=2, HOLDFAST_VAULT="")

    assert "HOLDFAST_VAULT" in said.err


def test_wrong_passphrase_ends_with_12(bench: Bench) -> None:
    bench.run("points")  # the key is in the keyring now
    bench.passphrase_file.write_text("open sesame, open sesame")

    said = bench.run("points", status=12)

    assert "wrong-passphrase" in said.err
    assert "sesame" not in said.err


def test_nobody_to_ask_ends_with_12(bench: Bench) -> None:
    said = bench.run("points", status=12, HOLDFAST_PASSPHRASE_FILE="")

    assert "passphrase-not-given" in said.err


def test_damage_ends_with_20(bench: Bench) -> None:
    (bench.vault / "config").write_bytes(b"nonsense that is long enough to be an envelope")

    assert bench.run("points", "--no-keyring", status=20).err


def test_error_is_one_json_line(bench: Bench) -> None:
    bench.passphrase_file.write_text("open sesame, open sesame")

    said = bench.run("points", "--json", status=12)

    error = said.event("error")
    assert (error["code"], error["exit_status"]) == ("wrong-passphrase", 12)
    assert error["remedy"]
    assert said.err == ""


@pytest.mark.parametrize("before", [True, False])
def test_common_options_stand_before_or_after_the_command(bench: Bench, *, before: bool) -> None:
    given = ["--vault", str(bench.vault), "--passphrase-file", str(bench.passphrase_file), "--json"]
    words = [*given, "vault", "show"] if before else ["vault", "show", *given]

    said = bench.run(*words, HOLDFAST_VAULT="/nowhere", HOLDFAST_PASSPHRASE_FILE="/nowhere")

    assert said.event("vault")["place"] == str(bench.vault)


def test_korean_by_option_variable_or_locale(empty: Bench) -> None:
    by_option = empty.run("points", "--lang", "ko", status=10)
    by_variable = empty.run("points", status=10, HOLDFAST_LANG="ko")
    by_locale = empty.run("points", status=10, LC_ALL="ko_KR.UTF-8")

    assert "보관소" in by_option.err or "없습니다" in by_option.err
    assert by_option.err == by_variable.err == by_locale.err


def test_usage_errors_and_help_speak_korean_too(empty: Bench) -> None:
    assert "오류:" in empty.run("points", "--lang=ko", "--bogus", status=2).err
    assert "사용법:" in empty.run("--lang=ko", "--help").out


def test_passphrase_shows_nowhere(bench: Bench) -> None:
    bench.passphrase_file.chmod(0o644)
    bench.write("file")

    runs = [
        bench.run("-vv", "points"),
        bench.run("-vv", "vault", "show", "--json"),
        bench.run("-vv", "points", "show", "absent", status=1),
        bench.run("-vv", "points", status=12, HOLDFAST_PASSPHRASE_FILE="/nowhere"),
    ]

    assert all(PASSPHRASE not in run.out + run.err for run in runs)
    assert not _files_holding(PASSPHRASE.encode(), bench.home, bench.vault)


def _files_holding(secret: bytes, *folders: Path) -> list[Path]:
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return [path for path in files if secret in path.read_bytes()]


def test_open_passphrase_file_is_warned_of(bench: Bench) -> None:
    bench.passphrase_file.chmod(0o644)

    assert "chmod 600" in bench.run("points").err


def test_passphrase_may_come_from_a_command(bench: Bench) -> None:
    bench.run(
        "points",
        "--passphrase-command",
        f"cat {bench.passphrase_file}",
        HOLDFAST_PASSPHRASE_FILE="",
    )


def test_nobody_reading_the_output_is_no_reason_to_complain(filled: Bench) -> None:
    done = subprocess.run(
        f"{SCRIPT} points ls latest -r | true",
        shell=True,
        env=filled.environment,
        capture_output=True,
        check=False,
        timeout=180,
    )

    assert done.stderr == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interruption_ends_with_130_and_leaves_no_lock(
    bench: Bench, number: signal.Signals
) -> None:
    bench.write("file")
    process = bench.start(
        *("backup", bench.source, "--json"),
        *("--hook-before", f"touch {bench.root}/in; sleep 600"),
    )
    _wait_until((bench.root / "in").exists, process)

    process.send_signal(number)
    out, err = process.communicate(timeout=90)

    assert process.returncode == 130
    assert json.loads(out.splitlines()[-1])["code"] == "interrupted"
    assert b"Traceback" not in err
    assert list((bench.vault / "locks").glob("*")) == []


def _wait_until(happened: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: happened() or process.poll() is not None)
    assert happened(), process.communicate()


def test_unforeseen_error_is_short_and_traced_only_when_asked(empty: Bench) -> None:
    (empty.home).mkdir()
    (empty.home / "config.toml").mkdir()

    assert "Traceback" not in empty.run("points", status=None).err
    assert "Traceback" in empty.run("points", "-v", status=None).err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_us(empty: Bench, shell: str) -> None:
    assert "_HOLDFAST_COMPLETE" in empty.run("completion", shell).out


def test_bash_completes_commands(empty: Bench) -> None:
    said = empty.run(_HOLDFAST_COMPLETE="bash_complete", COMP_WORDS="holdfast po", COMP_CWORD="1")

    assert "points" in said.out


def test_version_is_told(empty: Bench) -> None:
    assert empty.run("version", "--json").event("version-shown")["repository_format"] == 2
