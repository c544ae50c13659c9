"""Options that several commands of recovery have."""

import re
from typing import Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import option

_PAIR = re.compile(r"([^=]+)=(.*)", re.DOTALL)


class _Networks(click.ParamType[tuple[str, str]]):
    """OLD=NEW; nothing after the sign: the link is down."""

    name = "networks"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        found = _PAIR.fullmatch(str(value))
        if found is None:
            self.fail(_("{value!r} is not like OLD=NEW").format(value=value), param, ctx)
        return found[1], found[2]


network_option = option(
    "--network",
    "networks",
    type=_Networks(),
    multiple=True,
    metavar="OLD=NEW",
    help=N_("Connect cards of network OLD to NEW of this host; without NEW their link is down."),
)
point_option = option(
    "--point",
    metavar="POINT",
    default="",
    help=N_(
        "latest, latest-app, latest-tested, the beginning of a point's name, or a time: the newest "
        "one not after it."
    ),
)
discard_option = option(
    "--discard-changes",
    "is_discarding",
    is_flag=True,
    help=N_("What it has written here since may go; asked for if nothing is said."),
)
