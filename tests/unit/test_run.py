"""The command of the repository explains itself and refuses what it does not know."""

import re
import subprocess
from pathlib import Path

RUN = Path(__file__).parents[2] / "run"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([RUN, *arguments], capture_output=True, text=True, check=False)


def test_help_names_every_command() -> None:
    script = RUN.read_text(encoding="utf-8")
    (accepted,) = re.findall(r"^  (demo[ |\w]+)\) \"\$1\"", script, re.MULTILINE)

    done = _run("help")

    assert (done.returncode, done.stderr) == (0, "")
    for command in [*accepted.split(" | "), "test", "help"]:
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE), command


def test_without_a_command_it_helps() -> None:
    assert _run().stdout == _run("help").stdout


def test_unknown_command_is_a_usage_error() -> None:
    done = _run("nonsense")

    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: ./run COMMAND" in done.stderr
