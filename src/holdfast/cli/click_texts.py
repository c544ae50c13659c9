"""What click itself says, so that it is in our catalogue and comes in our language.

click looks its messages up with the gettext of the standard library, which goes by environment
variables; here its modules are given ours. Remove the copy of a message when click drops it.
It also wraps its help by letters, of which Korean ones take two places of a terminal each.
"""

import sys

import click

from holdfast.base import texts
from holdfast.base.texts import N_
from holdfast.cli import shown

MESSAGES = (
    N_("Aborted!"),
    N_("Options"),
    N_("Commands"),
    N_("Missing command."),
    N_("Usage:"),
    N_("Show this message and exit."),
    N_("Error: {message}"),
    N_("Try '{command} {option}' for help."),
    N_("Invalid value: {message}"),
    N_("Invalid value for {param_hint}: {message}"),
    N_("Missing argument"),
    N_("Missing option"),
    N_("Missing parameter"),
    N_("Missing parameter: {param_name}"),
    N_("No such option {name!r}."),
    N_("No such command {name!r}."),
    N_("Option {name!r} does not take a value."),
    N_("Argument {name!r} takes {nargs} values."),
    N_("default: {default}"),
    N_("required"),
    N_("Choose from:\n\t{choices}"),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value} is not in the range {range}."),
    N_("{name} {filename!r} does not exist."),
    N_("{name} {filename!r} is a file."),
    N_("{name} {filename!r} is a directory."),
    N_("{name} {filename!r} is not readable."),
    N_("file"),
    N_("directory"),
    N_("path"),
)


def _plurals(count: int) -> tuple[str, ...]:
    """Never called; the extractor of messages looks for calls."""
    return (
        texts.ngettext(
            "Got unexpected extra argument ({args})",
            "Got unexpected extra arguments ({args})",
            count,
        ),
        texts.ngettext(
            "Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)", count
        ),
        texts.ngettext(
            "Option {name!r} requires an argument.",
            "Option {name!r} requires {nargs} arguments.",
            count,
        ),
        texts.ngettext("{value!r} is not {choice}.", "{value!r} is not one of {choices}.", count),
    )


def make_click_speak() -> None:
    ours = {"_": texts._, "ngettext": texts.ngettext, "term_len": _places}
    for name, module in list(sys.modules.items()):
        if name.startswith("click."):
            for function, replacement in ours.items():
                if hasattr(module, function):
                    setattr(module, function, replacement)


def _places(text: str) -> int:
    return shown.width(click.unstyle(text))
