"""The container file leans on nothing that is not there."""

import json
import re
from pathlib import Path

import click

from holdfast.cli.main import cli

ROOT = Path(__file__).parents[2]
_FILE = (ROOT / "packaging" / "container" / "Containerfile").read_text(encoding="utf-8")


def _words(instruction: str) -> list[str]:
    (found,) = re.findall(rf"(?m)^{instruction} (\[.*\])$", _FILE)
    words: list[str] = json.loads(found)
    return words


def test_what_it_runs_is_a_command() -> None:
    command: click.Command | None = cli
    for word in [*_words("ENTRYPOINT")[1:], *_words("CMD")]:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)

    assert _words("ENTRYPOINT") == ["holdfast"]
    assert command is not None


def test_it_builds_with_a_command_of_this_repository() -> None:
    script = (ROOT / "run").read_text(encoding="utf-8")

    for name in re.findall(r"\./run (\w+)", _FILE):
        assert re.search(rf"^{name}\(\) {{", script, re.MULTILINE)


def test_its_server_does_not_run_as_root() -> None:
    stages = _FILE.split("\nFROM ")

    # A number is what an orchestrator can judge.
    assert "\nUSER 10001:10001\n" in stages[-1]
    assert "--uid 10001 --gid 10001" in stages[-1]


def test_it_tells_whether_it_is_well() -> None:
    words = _words(r"HEALTHCHECK [^\[]*CMD")

    assert words[0] == "/usr/lib/holdfast/bin/python3"
    compile(words[2], "health check", "exec")
    assert "/healthz" in words[2]
