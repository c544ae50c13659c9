"""Every command teaches: purpose, examples, exit statuses, in both languages."""

from collections.abc import Iterator

import click
import pytest

from holdfast.base.texts import use_language
from holdfast.cli import shown
from holdfast.cli.click_texts import make_click_speak
from holdfast.cli.main import cli


def _commands(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _commands(child, click.Context(child, context, info_name=name))


ALL = list(_commands(cli, click.Context(cli, info_name="holdfast")))


@pytest.mark.parametrize("context", ALL, ids=lambda context: context.command_path)
def test_help_has_purpose_and_exit_statuses(context: click.Context) -> None:
    text = context.command.get_help(context)

    assert context.command.help
    assert "Exit statuses:" in text
    assert "Options of every command:" in text


@pytest.mark.parametrize(
    "context",
    [c for c in ALL if not isinstance(c.command, click.Group)],
    ids=lambda context: context.command_path,
)
def test_help_shows_examples(context: click.Context) -> None:
    text = context.command.get_help(context)

    assert "Examples:" in text


@pytest.mark.parametrize("context", ALL, ids=lambda context: context.command_path)
def test_every_option_is_explained(context: click.Context) -> None:
    unexplained = [
        param.name
        for param in context.command.get_params(context)
        if isinstance(param, click.Option) and not param.help
    ]

    assert unexplained == []


def test_usage_of_a_command_is_as_it_is_typed() -> None:
    doctor = cli.get_command(click.Context(cli), "doctor")
    assert isinstance(doctor, click.Group)
    above = doctor.context_class(doctor, info_name="doctor")
    explain = doctor.get_command(above, "explain")
    assert explain is not None

    usage = explain.get_usage(explain.context_class(explain, above, info_name="explain"))

    assert usage.startswith("Usage: doctor explain [OPTIONS] CODE...")


def test_help_comes_in_korean_and_goes_back() -> None:
    make_click_speak()
    context = click.Context(cli, info_name="holdfast")

    use_language("ko")
    korean = cli.get_help(context)
    use_language("en")
    english = cli.get_help(context)

    assert ("옵션:" in korean, "Options:" in korean) == (True, False)
    assert ("옵션:" in english, "Options:" in english) == (False, True)
    assert "이 메시지를 표시하고 종료합니다." in korean
    assert "Show this message and exit." in english


def test_korean_help_fits_a_terminal() -> None:
    make_click_speak()
    use_language("ko")

    lines = [
        line
        for context in ALL
        for line in context.command.get_help(context).splitlines()
        if not line.lstrip().startswith(("$", "-", "사용법:"))
    ]

    use_language("en")
    assert [line for line in lines if shown.width(line) > 80] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(["bakcup"], "backup"), (["vault", "crate"], "create"), (["vm", "protct"], "protect")],
)
def test_command_with_a_typing_mistake_is_answered_with_what_was_meant(
    typed: list[str], meant: str
) -> None:
    with pytest.raises(click.UsageError) as caught:
        cli.main(typed, prog_name="holdfast", standalone_mode=False)

    assert meant in caught.value.format_message().partition("Did you mean")[2]


@pytest.mark.parametrize("typed", [["-h"], ["backup", "-h"], ["vault", "create", "-h"]])
def test_short_name_of_help_is_understood(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(typed, prog_name="holdfast", standalone_mode=False)

    assert "Exit statuses:" in capsys.readouterr().out
