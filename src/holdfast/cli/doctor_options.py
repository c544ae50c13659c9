"""What all commands of the doctor understand, before and after their names."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from holdfast.base.texts import N_
from holdfast.cli.command import option

if TYPE_CHECKING:
    from holdfast.app.doctor import Options

_F = TypeVar("_F", bound=Callable[..., Any])
_KEY = "holdfast.doctor"
FORMATS = ("text", "json", "sarif", "junit")
SEVERITIES = ("info", "warning", "error", "critical")
# The doctor's own exit statuses; they say how it stands and not whether a command worked.
MEANINGS = {
    0: N_("nothing at or above the severity of --fail-on was found"),
    1: N_("a cause at or above that severity is proven"),
    2: N_("the command line or something it names cannot be read"),
    3: N_("undecided: what would decide is missing, and is named"),
    4: N_("part of the doctor itself failed; that is a finding of its own"),
}


def _option(*names: str, help: str, **settings: Any) -> Callable[[_F], _F]:  # noqa: A002  click's own word
    return option(*names, help=help, expose_value=False, callback=_remember, **settings)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    # Where it stands does not matter: both the group and its commands parse it.
    if value:
        ctx.meta.setdefault(_KEY, {})[param.name] = value


def shown_options(function: _F) -> _F:
    """How the answer is shown."""
    for add in (
        _option("--junit", is_flag=True, help=N_("Print JUnit XML: a case for each cause.")),
        _option("--sarif", is_flag=True, help=N_("Print SARIF 2.1.0.")),
        _option(
            "--format",
            type=click.Choice(FORMATS),
            default=None,
            help=N_("The same as a word; --json is json."),
        ),
        _option("--all", "everything", is_flag=True, help=N_("Show all candidates, not three.")),
        _option(
            "--set",
            "limits",
            multiple=True,
            metavar="CAUSE.LIMIT=VALUE",
            help=N_("Judge with another limit than the catalogue's."),
        ),
    ):
        function = add(function)
    return function


def judged_options(function: _F) -> _F:
    """What counts, and how much."""
    for add in (
        _option(
            "--suppressions",
            type=click.Path(exists=True, dir_okay=False),
            help=N_("File with causes not to tell about, instead of doctor.toml."),
        ),
        _option(
            "--suppress",
            multiple=True,
            metavar="CAUSE=DAY:REASON",
            help=N_("Do not tell about this cause until that day, for that reason."),
        ),
        _option("--first", is_flag=True, help=N_("Stop at the first cause that is proven.")),
        _option(
            "--fail-on",
            type=click.Choice(SEVERITIES),
            default=None,
            help=N_("From which severity on the exit status is 1; error if not given."),
        ),
    ):
        function = add(function)
    return shown_options(function)


def given() -> dict[str, Any]:
    return dict(click.get_current_context().meta.get(_KEY, {}))


def options() -> "Options":
    from pathlib import Path

    from holdfast.app.doctor import Options

    said = given()
    file = said.get("suppressions")
    return Options(
        fail_on=said.get("fail_on", "error"),
        first=said.get("first", False),
        limits=said.get("limits", ()),
        suppress=said.get("suppress", ()),
        suppressions=Path(file) if file else None,
    )


def wanted_format(*, as_json: bool) -> str:
    said = given()
    chosen = {name for name in ("sarif", "junit") if said.get(name)}
    chosen |= {said["format"]} if said.get("format") else set()
    chosen |= {"json"} if as_json else set()
    if len(chosen) > 1:
        raise click.UsageError("--" + ", --".join(sorted(chosen)), ctx=click.get_current_context())
    return chosen.pop() if chosen else "text"
