"""The reference of the command line, as its own --help tells it."""

import importlib
import re
from collections.abc import Iterator

import click

from holdfast.base.texts import use_language
from tools.error_pages import NOTE

WIDTH = 96
# Said once, with the command that has no parent, and not again for each.
_COMMON = re.compile(r"^Options of every command:\n(?:  .*\n)+\n?", re.MULTILINE)


def page() -> str:
    use_language("en")
    cli: click.Command = importlib.import_module("holdfast.cli.main").cli
    head = [
        "# The command line",
        "",
        "What `--help` says, command by command.",
        "[Exit statuses](exit-statuses.md) and [JSON lines](json.md) have their own pages.",
        "",
    ]
    return NOTE + "\n".join([*head, *_sections(cli, None, "holdfast")])


def _sections(command: click.Command, parent: click.Context | None, name: str) -> Iterator[str]:
    context = command.context_class(command, info_name=name, parent=parent, terminal_width=WIDTH)
    context.color = False
    yield from (f"## {context.command_path}", "", "```text")
    said = command.get_help(context).strip() + "\n"
    yield (_COMMON.sub("", said) if parent else said).strip()
    yield from ("```", "")
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from _sections(found, context, child)
