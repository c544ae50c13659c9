"""Options that several commands of recovery have."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import option
from holdfast.cli.parameters import DURATION

if TYPE_CHECKING:
    from holdfast.recovery.address_rules import AddressRule


class _Networks(click.ParamType[tuple[str, str]]):
    """OLD=NEW, OLD=bridge:NEW or OLD=none; both sides as they were typed."""

    name = "networks"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        from holdfast.machines.new_identity import parse_network

        if isinstance(value, tuple):
            return value
        try:
            parse_network(str(value))
        except ValueError:
            self.fail(_("{value!r} is not like OLD=NEW").format(value=value), param, ctx)
        old, _equals, new = str(value).partition("=")
        return old, new


class _AddressRule(click.ParamType["tuple[str, AddressRule]"]):
    """OLD=NEW, and what else belongs to it, with commas between."""

    name = "address"

    def __init__(self, *, is_own: bool = False) -> None:
        self._is_own = is_own

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "tuple[str, AddressRule]":
        from holdfast.recovery.address_rules import parse_rule

        if isinstance(value, tuple):
            return value
        try:
            return parse_rule(str(value), is_own=self._is_own)
        except ValueError:
            text = _(
                "{value!r} is not like 192.0.2.0/24=198.51.100.0/24 or VM/NETWORK=198.51.100.7/24"
            )
            self.fail(text.format(value=value), param, ctx)


NETWORKS = _Networks()
ADDRESS_RULE = _AddressRule()

network_option = option(
    "--network",
    "networks",
    type=NETWORKS,
    multiple=True,
    metavar="OLD=NEW",
    help=N_(
        "Connect network cards of OLD (a network, or a card's address) to NEW of this host; "
        "bridge:NEW is a bridge, none leaves them unplugged."
    ),
)
address_option = option(
    "--address",
    "addresses",
    type=_AddressRule(is_own=True),
    multiple=True,
    metavar="OLD=NEW[,gateway=…][,dns=…]",
    help=N_(
        "Addresses of NEW in place of OLD, for this time: two networks, or a card's network or "
        "address and ADDRESS/LENGTH. It comes before what `failover networks` says."
    ),
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
force_option = option(
    "--force", "is_forced", is_flag=True, help=N_("Switch off a guest that does not shut down.")
)
hand_over_option = option(
    "--hand-over-only",
    "is_only_handing_over",
    is_flag=True,
    help=N_(
        "Only shut it down at its host and bring its last changes; the same command without this "
        "starts it here, and an undo gives it back."
    ),
)
try_shut_down_option = option(
    "--try-shut-down",
    "tries_shut_down",
    is_flag=True,
    help=N_(
        "With --unplanned: if the source still answers, have it shut the machine down and send its "
        "last changes first; go on without them where it cannot in time."
    ),
)
shutdown_option = option(
    "--shutdown-within",
    "shutdown",
    type=DURATION,
    default=timedelta(minutes=5),
    metavar="TIME",
    help=N_("How long the guest may take to shut down; 5m if nothing is said."),
)
