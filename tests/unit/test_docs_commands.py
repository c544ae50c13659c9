"""What the documentation tells people to type exists."""

import re
import shlex
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_GENERATED = ("docs/errors/", "docs/reference/")


def _typed() -> list[str]:
    """Every `$ …` line of every page that somebody wrote."""
    pages = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    return [
        line.removeprefix("$ ").split("  #")[0].strip()
        for page in pages
        if not page.relative_to(ROOT).as_posix().startswith(_GENERATED)
        for block in _CONSOLE.findall(page.read_text(encoding="utf-8"))
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


def _lines(program: str) -> list[str]:
    return sorted({line for line in _typed() if line.split()[0] == program})


@pytest.mark.parametrize("line", _lines("./run"))
def test_run_knows_the_command(line: str) -> None:
    script = (ROOT / "run").read_text(encoding="utf-8")

    for command in re.findall(r"\./run (\w+)", line):
        assert re.search(rf"^  {command}\b.*  ", script, re.MULTILINE), command


@pytest.mark.parametrize("line", _lines("holdfast"))
def test_command_line_knows_command_and_options(line: str) -> None:
    if find_spec("holdfast.cli.main") is None:
        return
    cli: click.Command = import_module("holdfast.cli.main").cli

    assert _unknown(cli, shlex.split(line)[1:]) == []


def _unknown(command: click.Command, words: list[str]) -> list[str]:
    """Walk down to the command that is meant, and return what it does not know."""
    context = click.Context(command)
    known = command.get_params(context)
    options = {name for p in known for name in [*p.opts, *p.secondary_opts]}
    unknown = []
    for number, word in enumerate(words):
        if word.startswith("--"):
            if word.split("=")[0] not in options:
                unknown.append(word)
        elif isinstance(command, click.Group):
            child = command.get_command(context, word)
            if child is not None:
                return unknown + _unknown(child, words[number + 1 :])
    incomplete = isinstance(command, click.Group) and not command.invoke_without_command
    return [*unknown, "no such command"] if incomplete else unknown
