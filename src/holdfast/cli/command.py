"""Commands whose help speaks the language in use and teaches: purpose, examples, exit statuses."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.common import COMMON, common_options
from holdfast.cli.spoken import Option, Spoken

_F = TypeVar("_F", bound=Callable[..., Any])
_MEANINGS = {
    Exit.FINE: N_("everything asked for is done"),
    Exit.FAILED: N_("it could not be done; the message says why and what to do"),
    Exit.USAGE: N_("the command line was not understood"),
    Exit.WARNINGS: N_("done, but some items were left out; each is listed"),
    Exit.NO_VAULT: N_("there is no vault at this location"),
    Exit.LOCKED: N_("another process holds the vault"),
    Exit.WRONG_PASSPHRASE: N_("the passphrase opens no key of the vault"),
    Exit.DAMAGE: N_("something stored is missing or damaged"),
    Exit.DECIDE: N_("going on could lose something, a person must decide"),
    Exit.INTERRUPTED: N_("stopped by a signal"),
}
_WHOLE = 400
_SHORT_HELP = "-h"
_VAULT_EXITS = (Exit.FAILED, Exit.USAGE, Exit.NO_VAULT, Exit.WRONG_PASSPHRASE)


class _Typed(click.Context):
    """Where a command of it begins, a group that takes arguments has none: nobody types both."""

    @property
    def command_path(self) -> str:
        above = f"{self.parent.command_path} " if self.parent else ""
        return f"{above}{self.info_name or ''}".strip()


class _Teaching(Spoken, click.Command):
    """`examples` are pairs of what is typed and what it does; `exits` adds to the usual ones.

    A command whose statuses mean something else brings its own `meanings`, and all of them.
    """

    context_class = _Typed

    def __init__(
        self,
        *args: Any,
        examples: Sequence[tuple[str, str]] = (),
        exits: Sequence[int] = (),
        meanings: Mapping[int, str] | None = None,
        needs_vault: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self._examples = examples
        self._meanings = {**_MEANINGS, **(meanings or {})}
        usual = _VAULT_EXITS if needs_vault else (Exit.FAILED, Exit.USAGE)
        told = meanings or {Exit.FINE, *usual, *exits}
        self._exits = sorted({*told, Exit.INTERRUPTED})

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *common_options()]

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        # Many type -h out of habit; there is one way that is told.
        return list(dict.fromkeys([*super().get_help_option_names(ctx), _SHORT_HELP]))

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        found = super().get_help_option(ctx)
        if found is not None:
            # click makes it once, in the language of that moment, and keeps it.
            found.help = _("Show this message and exit.")
        return found

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                names, meaning = record
                told = (names.removeprefix(f"{_SHORT_HELP}, "), meaning)
                (common if param.name in COMMON else own).append(told)
        for title, records in ((_("Options"), own), (_("Options of every command"), common)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        if self._examples:
            with formatter.section(_("Examples")):
                for typed, meaning in self._examples:
                    formatter.write(f"{'':>{formatter.current_indent}}$ {typed}\n")
                    with formatter.indentation():
                        formatter.write_text(_(meaning))
        with formatter.section(_("Exit statuses")):
            formatter.write_dl([(str(status), _(self._meanings[status])) for status in self._exits])


class Command(_Teaching):
    pass


class Group(_Teaching, click.Group):
    """A group that imports a command when it is wanted: `lazy` maps names to "module:attribute"."""

    command_class = Command

    def __init__(self, *args: Any, lazy: Mapping[str, str] | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        # In the order written: what is used first comes first.
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = self._lazy.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, _colon, attribute = target.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as err:
            # click looks for what is alike among those that are imported already.
            known = self.list_commands(ctx)
            raise click.NoSuchCommand(err.command_name, possibilities=known, ctx=ctx) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _Teaching.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each with its whole first sentence; click would cut it to one line."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, child.get_short_help_str(_WHOLE)) for name, child in found if child]
        with formatter.section(_("Commands")):
            formatter.write_dl(rows)


def option(*names: str, help: str, **settings: Any) -> Callable[[_F], _F]:  # noqa: A002  click's own word
    """click.option with a translated help."""
    return click.option(*names, cls=Option, help=help, **settings)
