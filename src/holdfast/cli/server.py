"""`holdfast server`: run the server, take its state away and bring it back."""

from typing import TYPE_CHECKING, Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Group, option
from holdfast.cli.run import Run, start

if TYPE_CHECKING:
    from holdfast.app.control.state_transfer import Place
    from holdfast.server.running import Ready

_LAZY: dict[str, str] = {
    "account": "holdfast.cli.server_accounts:account",
    "token": "holdfast.cli.server_accounts:token",
    "grant": "holdfast.cli.server_access:grant",
    "grants": "holdfast.cli.server_access:grants",
    "pin": "holdfast.cli.server_access:pin",
    "approvals": "holdfast.cli.server_access:approvals",
    "audit": "holdfast.cli.server_access:audit",
    "alerts": "holdfast.cli.server_alerts:alerts",
    "alert-target": "holdfast.cli.server_alerts:alert_target",
    "silence": "holdfast.cli.server_alerts:silence",
    "report": "holdfast.cli.server_report:report",
}


_LAST_SECONDS = 3.0
_database = option(
    "--database",
    metavar="URL",
    help=N_("Where the state lies: sqlite:////path or postgresql://user@host/name."),
)
_sealed_with = option(
    "--sealed-with", metavar="FILE", help=N_("File with the passphrase of the export.")
)


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
@_database
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
@option("--without-console", is_flag=True, help=N_("Serve machines and programs, no browsers."))
def run(*, without_workflows: bool, without_console: bool, **options: Any) -> None:
    from holdfast.app.config import service_manager
    from holdfast.app.control.server_settings import load_server_settings
    from holdfast.app.opening import storage_at
    from holdfast.console.mounting import mount
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
        console=None if without_console else mount,
        service_manager=service_manager(),
    )
    run_server(settings, around)
    _end_for_sure(run)


def _end_for_sure(run: Run) -> None:
    """All is closed. Threads of the engine that ask a database that is away would ask for ever."""
    import os
    import threading

    def end() -> None:
        run.session.clock.sleep(_LAST_SECONDS)
        os._exit(0)

    # It dies with the process, if that comes to its end by itself.
    threading.Thread(target=end, daemon=True).start()


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
            _("It is shown this once. Log in with it, then choose your own:"),
            f"  holdfast login {ready.address} --ca-fingerprint {ready.ca_fingerprint}",
            "  holdfast server account password",
        ]
    event = ServerReady(
        address=ready.address,
        listening=ready.listening,
        ca_fingerprint=ready.ca_fingerprint,
        account="admin" if ready.password else None,
        password=ready.password,
    )
    run.out.done(event, *lines)


@server.command(
    name="export",
    help=N_(
        "Write the server's whole state into FILE, sealed with a passphrase.\n\n"
        "It may be done while the server runs. FILE holds the authority's keys: whoever opens it "
        "can be this server. What workflows are at is not in it; jobs that were under way are "
        "taken up again from their rows."
    ),
    needs_vault=False,
    examples=[
        ("holdfast server export /backup/server.state", N_("The passphrase is typed twice.")),
        (
            "holdfast server export --keys-only keys --sealed-with /root/export.passphrase",
            N_("The keys alone, for a second server on the same PostgreSQL."),
        ),
    ],
)
@click.argument("file")
@option("--keys-only", is_flag=True, help=N_("Only the keys, not what the database holds."))
@_sealed_with
@_database
def export_(*, file: str, keys_only: bool, sealed_with: str | None, database: str | None) -> None:
    import os

    from holdfast.app.control.state_transfer import export_state
    from holdfast.app.secret_sources import new_passphrase
    from holdfast.cli.json_events import ServerExported

    run = start()
    passphrase = new_passphrase(run.session, file=sealed_with)
    done = export_state(
        _place(run, database), file, passphrase, keys_only=keys_only, now=run.session.clock.now()
    )
    size = os.stat(file).st_size
    run.out.done(
        ServerExported(file=file, keys_only=keys_only, rows=done.rows, bytes_written=size),
        _("Wrote {rows} rows and the keys to {file}").format(rows=done.rows, file=file),
        _("Keep it and its passphrase in different places."),
    )


@server.command(
    name="import",
    help=N_(
        "Fill an empty state from FILE, which `server export` wrote.\n\n"
        "The database may be of the other kind: that is how a server moves from SQLite to "
        "PostgreSQL and back. Machines go on with their certificates."
    ),
    needs_vault=False,
    exits=[Exit.WRONG_PASSPHRASE, Exit.DAMAGE, Exit.DECIDE, Exit.LOCKED],
    examples=[
        ("holdfast server import /backup/server.state", N_("The passphrase is asked for.")),
        (
            "holdfast server import server.state --database postgresql://holdfast@db/holdfast",
            N_("Into PostgreSQL."),
        ),
    ],
)
@click.argument("file")
@_sealed_with
@_database
def import_(*, file: str, sealed_with: str | None, database: str | None) -> None:
    from holdfast.app.control.state_transfer import import_state
    from holdfast.app.secret_sources import given_passphrase
    from holdfast.cli.json_events import ServerImported

    run = start()
    passphrase = given_passphrase(
        run.session, file=sealed_with, question=_("Passphrase of {file}").format(file=file)
    )
    done = import_state(_place(run, database), file, passphrase)
    run.out.done(
        ServerImported(
            file=file,
            keys_only=done.keys_only,
            rows=done.rows,
            made_at=done.made_at.isoformat(),
        ),
        _("Brought in {rows} rows and the keys").format(rows=done.rows),
        _("Start it with `holdfast server run`, with the same name or --url as before."),
    )


@server.command(
    name="reset-password",
    help=N_(
        "Give the account NAME a new password, on the machine the server's state lies on.\n\n"
        "For a lost password of the last administrator: being root here is proof enough. The "
        "account is enabled and unlocked, its sessions and tokens end, and the audit log tells. "
        "The server may be running."
    ),
    needs_vault=False,
    examples=[("holdfast server reset-password", N_("The account `admin`."))],
)
@click.argument("name", default="admin")
@_database
def reset_password(*, name: str, database: str | None) -> None:
    from holdfast.app.control import accounts
    from holdfast.app.control.starting import existing, make_plane
    from holdfast.app.opening import storage_at
    from holdfast.cli.json_events import PasswordReset

    run = start()
    clock = run.session.clock
    with existing(run.session.settings.home, clock, database=database) as state:
        plane = make_plane(
            state, clock=clock, address="", storage_at=lambda at: storage_at(run.session, at)
        )
        password = accounts.reset_password(plane, name)
    run.out.done(
        PasswordReset(account=name, password=password),
        _("The password of {name} is now {password}").format(name=name, password=password),
        _("It is shown this once. Log in with it, then choose your own:"),
        "  holdfast server account password",
    )


def _place(run: Run, database: str | None) -> "Place":
    from holdfast.app.control.server_settings import load_server_settings
    from holdfast.app.control.state_transfer import Place

    settings = load_server_settings(run.session.settings.home, database=database)
    return Place(folder=settings.folder, database_url=settings.database_url)
