"""`holdfast server`: run the server, take its state away and bring it back."""

from typing import TYPE_CHECKING, Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import Group, option
from holdfast.cli.run import Run, start

if TYPE_CHECKING:
    from holdfast.server.running import Ready

_LAZY: dict[str, str] = {
    "account": "holdfast.cli.server_accounts:account",
    "token": "holdfast.cli.server_accounts:token",
    "grant": "holdfast.cli.server_access:grant",
    "grants": "holdfast.cli.server_access:grants",
    "pin": "holdfast.cli.server_access:pin",
    "approvals": "holdfast.cli.server_access:approvals",
    "audit": "holdfast.cli.server_access:audit",
}


@click.group(
    cls=Group,
    lazy=_LAZY,
    needs_vault=False,
    help=N_("Run the server that many machines back up through, and look after its state."),
)
def server() -> None:
    pass


@server.command(
    help=N_(
        "Run the server until it is told to end.\n\n"
        "The first start makes an authority of its own, a database, and the account `admin`, "
        "whose password is shown once. SIGHUP takes new certificates, SIGTERM ends it in order."
    ),
    needs_vault=False,
    examples=[
        ("holdfast server run", N_("At port 8443, with SQLite in the state folder.")),
        (
            "holdfast server run --name backup.example.net --database postgresql://holdfast@db/holdfast",
            N_("Under a name of its own, with PostgreSQL."),
        ),
    ],
)
@option("--listen", metavar="HOST:PORT", help=N_("Where to take connections: 0.0.0.0:8443."))
@option(
    "--database",
    metavar="URL",
    help=N_("Where the state lies: sqlite:////path or postgresql://user@host/name."),
)
@option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help=N_("A name or address the certificate is to be good for; the first is told to machines."),
)
@option("--url", metavar="URL", help=N_("The address people and machines are told to come to."))
@option("--cert", metavar="FILE", help=N_("Your own certificate with its chain, as PEM."))
@option("--key", metavar="FILE", help=N_("The key of --cert, without a password."))
@option("--executor-id", metavar="ID", help=N_("By what this server finds its own work again."))
@option(
    "--without-workflows", is_flag=True, help=N_("Serve only: leave long work to other servers.")
)
def run(*, without_workflows: bool, **options: Any) -> None:
    from holdfast.app.config import service_manager
    from holdfast.app.control.server_settings import load_server_settings
    from holdfast.app.opening import storage_at
    from holdfast.server.running import Surroundings
    from holdfast.server.running import run as run_server

    run = start()
    if bool(options["cert"]) != bool(options["key"]):
        raise click.UsageError(_("--cert and --key belong together"))
    settings = load_server_settings(run.session.settings.home, **options)
    if without_workflows:
        from dataclasses import replace

        settings = replace(settings, workflows=False)
    around = Surroundings(
        clock=run.session.clock,
        storage_at=lambda place: storage_at(run.session, place),
        on_ready=lambda ready: _tell(run, ready),
        service_manager=service_manager(),
    )
    run_server(settings, around)


def _tell(run: Run, ready: "Ready") -> None:
    from holdfast.cli.json_events import ServerReady

    lines = [
        _("Serving at {address}").format(address=ready.address),
        _("Its authority is {fingerprint}").format(fingerprint=ready.ca_fingerprint),
    ]
    if ready.password:
        lines += [
            _("The first account is `admin`, its password {password}").format(
                password=ready.password
            ),
            _("It is shown this once: change it with `holdfast login` and write it down."),
        ]
    event = ServerReady(
        address=ready.address,
        listening=ready.listening,
        ca_fingerprint=ready.ca_fingerprint,
        account="admin" if ready.password else None,
        password=ready.password,
    )
    run.out.done(event, *lines)
