"""What our own remedies tell people to type is understood by the program."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from holdfast.cli.main import cli
from holdfast.doctor.catalogue_types import Remedy
from holdfast.doctor.loading import load

_COMMAND = re.compile(r"(?<![-\w/])holdfast [a-z][^&|;`…]*")


def _typed(remedy: Remedy) -> Iterator[str]:
    texts = [remedy.verify, *(text for one in remedy.steps for text in (one.text, one.type))]
    for text in texts:
        quoted = re.findall(r"`([^`]+)`", text) if "`" in text else []
        for part in quoted or ([text] if text in {one.type for one in remedy.steps} else []):
            yield from (found.strip() for found in _COMMAND.findall(part))


def _ours() -> list[tuple[str, str]]:
    catalogue = load()
    return sorted(
        {
            (name, command)
            for name, remedy in catalogue.remedies.items()
            if catalogue.owner("remedy", name).family == "ours"
            for command in _typed(remedy)
        }
    )


@pytest.mark.parametrize(("remedy", "command"), _ours())
def test_what_a_remedy_tells_to_type_is_a_command(remedy: str, command: str) -> None:
    found, words = _resolved(shlex.split(command)[1:])

    options = {word for word in words if word.startswith("--")}
    known = {name for one in found.params for name in (*one.opts, *one.secondary_opts)}

    assert not isinstance(found, click.Group) or not words or words[0].startswith("-"), remedy
    assert options <= known | {"--vault", "--passphrase-file"}, remedy
    if not words:
        # Only named, not to be typed as it is.
        return
    wanted = [one for one in found.params if isinstance(one, click.Option) and one.required]
    assert [one.opts for one in wanted if not options & set(one.opts)] == [], remedy
    given, most = _values(found, words), _most(found)
    assert most is None or given <= most, remedy


def test_remedy_that_keeps_points_by_a_rule_names_one() -> None:
    """Without a rule nothing says what is kept, and the command is refused."""
    typed = [command for _name, command in _ours() if command.startswith("holdfast retain ")]

    assert typed
    assert [command for command in typed if "--keep-" not in command] == []


def _resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    found: click.Command = cli
    while isinstance(found, click.Group) and words:
        below = found.get_command(click.Context(found), words[0])
        if below is None:
            break
        found, words = below, words[1:]
    return found, words


def _values(command: click.Command, words: list[str]) -> int:
    """How many words are no options and no values of options."""
    flags = {n for one in command.params if getattr(one, "is_flag", False) for n in one.opts}
    before = ["", *words]
    return sum(
        not word.startswith("--") and (not last.startswith("--") or last in flags)
        for last, word in zip(before, words, strict=False)
    )


def _most(command: click.Command) -> int | None:
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    return None if any(one.nargs < 0 for one in arguments) else len(arguments)
