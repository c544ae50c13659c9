"""Options of test failovers and drills: what is looked at, and how long."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from holdfast.base.texts import N_
from holdfast.cli.command import option
from holdfast.cli.parameters import DURATION

if TYPE_CHECKING:
    from holdfast.recovery.address_rules import AddressRule
    from holdfast.recovery.trial import TrialWish

check_option = option(
    "--check",
    "checks",
    multiple=True,
    metavar="CHECK",
    help=N_(
        "What must be so: agent, runs, screenshot, tcp:22, http://guest:8080/health, "
        "'guest:COMMAND' or 'host:COMMAND'. Again for more; else its guest agent must answer."
    ),
)
within_option = option(
    "--within",
    type=DURATION,
    metavar="TIME",
    help=N_("For all checks together, its start included; 10m if nothing is said."),
)
keep_option = option(
    "--keep",
    type=DURATION,
    metavar="TIME",
    help=N_("Leave the test machine so long to be looked at; it is cleaned up afterwards."),
)


def read_trial_wish(
    *,
    point: str,
    checks: tuple[str, ...],
    networks: tuple[tuple[str, str], ...],
    addresses: "tuple[tuple[str, AddressRule], ...]" = (),
    within: timedelta | None,
    keep: timedelta | None = None,
) -> "TrialWish":
    from holdfast.recovery.checks.wishes import parse_check
    from holdfast.recovery.trial import LATEST, TrialWish

    usual = TrialWish()
    return TrialWish(
        point=point or LATEST,
        checks=tuple(parse_check(check) for check in checks),
        networks=dict(networks),
        addresses=dict(addresses),
        within=usual.within if within is None else within.total_seconds(),
        keep=None if keep is None else keep.total_seconds(),
    )


def is_any_said(*names: str) -> bool:
    """Whether the command line has one of these options at all."""
    context = click.get_current_context()
    given = click.core.ParameterSource.COMMANDLINE
    return any(context.get_parameter_source(name) is given for name in names)
