"""The command `holdfast`: the list of commands, and the one place where errors become text."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_, _, use_language
from holdfast.cli.click_texts import make_click_speak
from holdfast.cli.command import Group
from holdfast.cli.spoken import Option

if TYPE_CHECKING:
    from holdfast.cli.output import Output

_COMMANDS = {
    "up": "holdfast.cli.up:up",
    "vault": "holdfast.cli.vault:vault",
    "backup": "holdfast.cli.backup:backup",
    "points": "holdfast.cli.points:points",
    "jobs": "holdfast.cli.jobs:jobs",
    "restore": "holdfast.cli.restore:restore",
    "mount": "holdfast.cli.mount:mount",
    "check": "holdfast.cli.check:check",
    "retain": "holdfast.cli.retain:retain",
    "prune": "holdfast.cli.prune:prune",
    "passphrase": "holdfast.cli.passphrase:passphrase",
    "doctor": "holdfast.cli.doctor:doctor",
    "server": "holdfast.cli.server:server",
    "register": "holdfast.cli.register:register",
    "agent": "holdfast.cli.agent:agent",
    "vm": "holdfast.cli.vm:vm",
    "site": "holdfast.cli.site:site",
    "extension": "holdfast.cli.extension:extension",
    "replication": "holdfast.cli.replication:replication",
    "failover": "holdfast.cli.failover:failover",
    "commit": "holdfast.cli.recovery_acts:commit",
    "reprotect": "holdfast.cli.recovery_acts:reprotect",
    "failback": "holdfast.cli.recovery_acts:failback",
    "drill": "holdfast.cli.drill:drill",
    "plan": "holdfast.cli.plan:plan",
    "recovery-kit": "holdfast.cli.recovery_kit:recovery_kit",
    "planner": "holdfast.cli.planner:planner",
    "login": "holdfast.cli.login:login",
    "logout": "holdfast.cli.login:logout",
    "demo": "holdfast.cli.demo:demo",
    "completion": "holdfast.cli.completion:completion",
    "version": "holdfast.cli.version:version",
}


@click.group(
    cls=Group,
    lazy=_COMMANDS,
    name="holdfast",
    needs_vault=False,
    help=N_(
        "Back up files into a vault, and prove that they come back.\n\n"
        "A vault is a repository in restic's open format, in a folder or an object store; "
        "a recovery point is what one backup put there."
    ),
    examples=[
        ("holdfast vault create /backup/vault", N_("Make a vault in a folder.")),
        ("holdfast backup /etc --vault /backup/vault", N_("Make a recovery point of /etc.")),
        ("holdfast restore latest --to /tmp/back --verify", N_("Bring the newest point back.")),
    ],
)
@click.version_option(
    package_name="holdfast",
    message="%(prog)s %(version)s",
    cls=Option,
    help=N_("Say which version this is."),
)
def cli() -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status for the shell."""
    from holdfast.app.config import asked_language
    from holdfast.cli.hardening import keep_secrets_in_memory
    from holdfast.cli.lean import stay_lean

    keep_secrets_in_memory()
    stay_lean()
    given = list(sys.argv[1:] if arguments is None else arguments)
    use_language(asked_language(given))
    make_click_speak()
    # A service manager's SIGTERM is an interruption like Ctrl-C: locks go, temporary files go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    return _flushed(_run(given))


def run() -> NoReturn:
    """The whole life of a process that is one command."""
    from holdfast.cli.lean import leave

    leave(main())


def _run(given: list[str]) -> int:
    try:
        status = cli.main(given, prog_name="holdfast", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        return _interrupted(given)
    except BrokenPipeError:
        return _nobody_reads()
    except click.ClickException as err:
        return _usage(err, given)
    except HoldfastError as err:
        _output(given).error(err)
        _trace(given)
        return err.exit_status
    except Exception as err:
        return _unexpected(err, given)
    return status if isinstance(status, int) else Exit.FINE


def _interrupted(given: list[str]) -> int:
    if _is_json(given):
        _plain_error(given, "interrupted", _("interrupted"), Exit.INTERRUPTED)
    else:
        sys.stderr.write(_("holdfast: interrupted") + "\n")
    return Exit.INTERRUPTED


def _usage(err: click.ClickException, given: list[str]) -> int:
    if _is_json(given):
        _plain_error(given, "usage", err.format_message(), Exit.USAGE)
    else:
        err.show()
    return Exit.USAGE


def _plain_error(given: list[str], code: str, message: str, status: int) -> None:
    """An error that has no page of its own."""
    from holdfast.cli.json_events import Error

    event = Error(
        code=code,
        message=message,
        remedy="holdfast --help" if status == Exit.USAGE else "",
        exit_status=status,
        retry="now" if status == Exit.INTERRUPTED else "never",
        source_codes=[],
        page=None,
    )
    _output(given).show(event)


def _unexpected(err: Exception, given: list[str]) -> int:
    from holdfast.cli.unexpected import Unexpected

    _output(given).error(Unexpected(kind=type(err).__name__, reason=err))
    _trace(given)
    return Exit.FAILED


def _output(given: list[str]) -> "Output":
    from holdfast.cli.run import output_for

    return output_for(as_json=_is_json(given))


def _is_json(given: list[str]) -> bool:
    return "--json" in given


def _trace(given: list[str]) -> None:
    if any(a == "--verbose" or (a[:2] == "-v" and set(a[1:]) <= {"v", "q"}) for a in given):
        import traceback

        traceback.print_exc()


def _flushed(status: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_reads()
    return status


def _nobody_reads() -> int:
    """`holdfast points | head` is no error to talk about, but not all was said either."""
    # The interpreter flushes once more at its end; that must not complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.FAILED
