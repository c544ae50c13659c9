"""The option --wait: how long a command waits for a vault that others hold."""

from datetime import timedelta
from typing import TYPE_CHECKING

from holdfast.base.texts import N_, _
from holdfast.cli.command import option
from holdfast.cli.parameters import DURATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.cli.output import Output
    from holdfast.vault.lock_file import Lock

wait_option = option(
    "--wait",
    type=DURATION,
    default=timedelta(0),
    help=N_("Wait so long for a vault that others hold, as in 10m."),
)


def told_once(out: "Output") -> "Callable[[Lock], None]":
    """Say whom we wait for, once for each."""
    told = set[str]()

    def waiting(lock: "Lock") -> None:
        if lock.holder not in told:
            told.add(lock.holder)
            out.warning(_("waiting for {holder}").format(holder=lock.holder))

    return waiting
