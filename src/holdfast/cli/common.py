"""The options every command understands, before and after its name."""

from functools import cache
from typing import Any

import click

from holdfast.base.texts import LANGUAGES, N_
from holdfast.cli.spoken import Option

_KEY = "holdfast.common"
COMMON = frozenset(
    (
        *("vault", "passphrase_file", "passphrase_command", "keyring"),
        *("as_json", "lang", "verbose", "quiet", "help"),
    )
)


@cache
def common_options() -> tuple[click.Option, ...]:
    return (
        _option(
            "--vault",
            help=N_("Where the vault lies: a folder, az://…, s3://… or gs://…."),
            metavar="LOCATION",
        ),
        _option(
            "--passphrase-file", help=N_("File with the passphrase of the vault."), metavar="FILE"
        ),
        _option(
            "--passphrase-command",
            help=N_("Command that prints the passphrase."),
            metavar="COMMAND",
        ),
        _option(
            "--no-keyring",
            "keyring",
            help=N_("Do not keep the vault's key in the kernel for later commands."),
            is_flag=True,
            flag_value="off",
        ),
        _option("--json", "as_json", help=N_("Print JSON lines."), is_flag=True),
        _option("--lang", help=N_("Language of messages."), type=click.Choice(LANGUAGES)),
        _option("-v", "--verbose", help=N_("Say more; twice: debug messages."), count=True),
        _option("-q", "--quiet", help=N_("Print only warnings and errors."), is_flag=True),
    )


def common_values(ctx: click.Context) -> dict[str, Any]:
    """What was given of the common options, wherever it stood."""
    return dict(ctx.meta.get(_KEY, {}))


def _option(*names: str, **settings: Any) -> click.Option:
    settings.setdefault("default", None)
    return Option(list(names), expose_value=False, callback=_remember, **settings)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    # Both levels parse the option; only the one where it was given has a say.
    if value:
        ctx.meta.setdefault(_KEY, {})[param.name] = value
