"""The option --machine: a command about the recovery points of another registered machine."""

from dataclasses import replace
from typing import Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import option
from holdfast.cli.common import common_values
from holdfast.cli.run import Run, start

machine_option = option(
    "--machine",
    metavar="MACHINE",
    help=N_(
        "Those of another machine, which this one may read; by its name or id. "
        "Its passphrase is asked for."
    ),
)


def start_about(machine: str | None, **more: Any) -> Run:
    """`start`, about this machine or another one; there nothing is written, not even a lock."""
    run = start(**more)
    if machine is None:
        return run
    if "vault" in common_values(click.get_current_context()):
        raise click.UsageError(_("--machine and --vault exclude each other"))
    from holdfast.app.other_machine import session_about

    session = session_about(run.session, machine)
    return replace(run, session=session, may_write=session is run.session)
