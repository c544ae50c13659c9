"""`holdfast login` and `holdfast logout`: which server this machine's commands talk to."""

import sys

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.run import start
from holdfast.cli.server_records import known_password, password_option


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Log in to SERVER, for twelve hours.\n\n"
        "A server has an authority of its own. The first time, give its certificate or its "
        "fingerprint, or compare what is shown with what the server printed at its start."
    ),
    examples=[
        ("holdfast login https://backup.example.net:8443", N_("Name and password are typed.")),
        (
            "holdfast login https://backup.example.net:8443 --name ada --ca /root/ca.pem",
            N_("Trust the server by its authority's certificate."),
        ),
        (
            "holdfast login https://backup.example.net:8443 --token-file /root/token",
            N_("For programs: with a token of `holdfast server token add`."),
        ),
    ],
)
@click.argument("server", required=False)
@option("--name", metavar="NAME", help=N_("The account; `admin` without it."), default="admin")
@option("--ca", metavar="FILE", help=N_("The certificate of the server's authority."))
@option("--ca-fingerprint", metavar="HEX", help=N_("SHA-256 of that certificate."))
@password_option
@option("--token-file", metavar="FILE", help=N_("File with a token, instead of a password."))
def login(
    server: str | None,
    *,
    name: str,
    ca: str | None,
    ca_fingerprint: str | None,
    password_file: str | None,
    token_file: str | None,
) -> None:
    from holdfast.app import logging_in
    from holdfast.app.login_file import known_authority
    from holdfast.app.secret_sources import read_passphrase
    from holdfast.base.secret import Secret
    from holdfast.cli.json_events import LoggedIn

    run = start()
    home = run.session.settings.home
    address = logging_in.server_named(server, home)
    confirm = _confirm if _is_somebody_there() else None
    trust = logging_in.Trust(ca_file=ca, fingerprint=ca_fingerprint, confirm=confirm)
    known = None if ca or ca_fingerprint else known_authority(home, address)
    authority = known or logging_in.choose_authority(address, trust)
    if token_file:
        token = read_passphrase(token_file, session=run.session)
        made = logging_in.keep_token(home, server=address, ca_pem=authority, token=token)
    else:
        question = _("Password of {name}").format(name=name)
        password = Secret(known_password(run, password_file, question).encode())
        made = logging_in.log_in(
            home, server=address, ca_pem=authority, name=name, password=password
        )
    until = made.expires_at.isoformat() if made.expires_at else None
    event = LoggedIn(server=made.server, name=made.name, expires_at=until)
    sentence = _("Logged in to {server} as {name}")
    run.out.done(event, sentence.format(server=made.server, name=made.name))


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Log out: end the session, and forget it on this machine."),
    examples=[("holdfast logout", N_("The token is good no more."))],
)
def logout() -> None:
    from holdfast.app.logging_in import log_out
    from holdfast.cli.json_events import LoggedOut

    run = start()
    left = log_out(run.session.settings.home)
    event = LoggedOut(server=left.server, name=left.name)
    run.out.done(event, _("Logged out of {server}").format(server=left.server))


def _is_somebody_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _confirm(fingerprint: str) -> bool:
    click.echo(_("Nobody vouches for this server. The fingerprint of its authority is"), err=True)
    click.echo(f"  {fingerprint}", err=True)
    return click.confirm(_("Is that what the server printed at its start?"), err=True)
