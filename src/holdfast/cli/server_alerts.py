"""`holdfast server alerts`, `alert-target` and `silence`: what is wrong, and who is told of it."""

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Group, option
from holdfast.cli.run import Run, start
from holdfast.cli.server_access import common_vault
from holdfast.cli.server_records import (
    Column,
    Record,
    plain,
    tell_done,
    tell_list,
    text,
    when,
    yes,
)

if TYPE_CHECKING:
    from holdfast.app.server_client import ServerClient

_SEVERITIES = ("info", "warning", "error", "critical")
_MOST = 100
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _vault_of(record: Record) -> str:
    return text("vault")(record) if record["vault_id"] else _("all")


def _kind_of(record: Record) -> str:
    from holdfast.fleet.alerts import kind_shown

    return shown.line(kind_shown(record["kind"])) if record["kind"] else _("all")


def _summary_of(record: Record) -> str:
    if not record["daily_summary"]:
        return yes("daily_summary")(record)
    return f"{record['summary_at']} {record['summary_zone']}"


_ALERT: list[Column] = [
    (N_("Id"), text("id")),
    (N_("Severity"), text("severity")),
    (N_("Since"), when("first_at")),
    (N_("Times"), text("count")),
    (N_("Closed"), when("closed_at")),
    (N_("Alert"), text("sentence")),
]
_TARGET: list[Column] = [
    (N_("Name"), text("name")),
    (N_("Kind"), text("scheme")),
    (N_("Vault"), _vault_of),
    (N_("From severity"), text("min_severity")),
    (N_("Language"), text("lang")),
    (N_("Daily summary"), _summary_of),
    (N_("Weekly summary"), text("weekly_on")),
]
_SILENCE: list[Column] = [
    (N_("Id"), text("id")),
    (N_("Kind"), _kind_of),
    (N_("Vault"), _vault_of),
    (N_("Machine"), text("machine_id")),
    (N_("Until"), when("until")),
    (N_("By"), text("made_by")),
    (N_("Reason"), text("reason")),
]
_on = option("--on", metavar="VAULT", help=N_("Only for this vault; --vault means the same."))


@click.group(
    cls=Group,
    needs_vault=False,
    invoke_without_command=True,
    help=N_(
        "List alerts, the newest first.\n\n"
        "An alert is closed when its cause is gone; `close` closes it before, and what is seen "
        "again opens a new one."
    ),
    examples=[
        ("holdfast server alerts --open", N_("What is wrong now.")),
        ("holdfast server alerts --open --severity critical", N_("What cannot wait.")),
        ("holdfast server alerts close 3f2a9c0d11e8b7a6", N_("Somebody has seen to it.")),
    ],
)
@option("--open", "only_open", is_flag=True, help=N_("Only those that are open."))
@option("--severity", type=click.Choice(_SEVERITIES), help=N_("Only those of this severity."))
@option("--limit", type=click.IntRange(1), default=_MOST, help=N_("How many at most: 100."))
@click.pass_context
def alerts(ctx: click.Context, *, only_open: bool, severity: str | None, limit: int) -> None:
    if ctx.invoked_subcommand is not None:
        return
    run, client = start(), _client()
    found = client.items("/alerts", open=True if only_open else None, severity=severity)
    tell_list(run, "alert", islice(found, limit), _ALERT)
    if next(found, None) is not None:
        run.out.remark(_("There are more: say a greater --limit."))


@alerts.command(
    needs_vault=False,
    help=N_("Close the alert ID: somebody has seen to it."),
    examples=[("holdfast server alerts close 3f2a9c0d11e8b7a6", N_("As `alerts` shows it."))],
)
@click.argument("id_", metavar="ID")
def close(id_: str) -> None:
    from holdfast.app.server_client import part

    run = start()
    made = _client().post(f"/alerts/{part(id_)}/close")
    tell_done(run, "alert", made, _("Closed: {alert}").format(alert=made["sentence"]))


@click.group(
    "alert-target",
    cls=Group,
    needs_vault=False,
    help=N_(
        "Where alerts go: mail, chats, webhooks and many services more.\n\n"
        "URLs are those of apprise, for example mailtos://USER:PASSWORD@HOST, ntfy://TOPIC "
        "or json://HOST/PATH."
    ),
)
def alert_target() -> None:
    pass


@alert_target.command(
    "add",
    needs_vault=False,
    help=N_(
        "Send alerts to URL from now on, under NAME.\n\n"
        "Alerts about security are sent there whatever the severity. "
        "The URL may hold a password and is never shown again."
    ),
    examples=[
        (
            "holdfast server alert-target add ops ntfys://backup-of-ours --min-severity error",
            N_("To a telephone, what is bad."),
        ),
        (
            "holdfast server alert-target add office --url-file mail.url --lang ko --daily --at 07:30",
            N_("By mail, in Korean, with a summary each morning; the password is in the file."),
        ),
    ],
)
@click.argument("name")
@click.argument("url", required=False)
@option("--url-file", metavar="FILE", help=N_("File with the URL: it may hold a password."))
@_on
@option(
    "--min-severity",
    type=click.Choice(_SEVERITIES),
    default="warning",
    help=N_("Nothing that is less bad: warning."),
)
@option("--lang", "lang_", type=click.Choice(("en", "ko")), default="en", help=N_("Of the texts."))
@option("--daily", is_flag=True, help=N_("A summary once a day as well."))
@option(
    "--weekly",
    type=click.Choice(_WEEKDAYS),
    metavar="DAY",
    help=N_("A summary of the week as well, each monday, tuesday …"),
)
@option("--at", metavar="HH:MM", default="08:00", help=N_("When summaries are sent: 08:00."))
@option("--zone", metavar="ZONE", default="UTC", help=N_("Whose clock --at is about: UTC."))
def add_target(name: str, url: str | None, *, url_file: str | None, **settings: Any) -> None:
    if (url is None) == (url_file is None):
        raise click.UsageError(_("Give either URL or --url-file"))
    run = start()
    body = {
        "name": name,
        "url": url or _read(run, str(url_file)),
        "vault": settings["on"] or common_vault(),
        "min_severity": settings["min_severity"],
        "lang": settings["lang_"],
        "daily_summary": settings["daily"],
        "summary_at": settings["at"],
        "summary_zone": settings["zone"],
        "weekly_on": settings["weekly"],
    }
    made = _client().post("/alert-targets", body)
    tell_done(
        run,
        "alert-target",
        made,
        _("Alerts go to {name} from now on").format(name=name),
        _("Try it: `holdfast server alert-target test {name}`").format(name=name),
    )


@alert_target.command(
    "list",
    needs_vault=False,
    help=N_("List where alerts go, without the URLs."),
    examples=[("holdfast server alert-target list", N_("With what each is told."))],
)
def list_targets() -> None:
    run, client = start(), _client()
    tell_list(run, "alert-target", _with_vaults(client, client.get("/alert-targets")), _TARGET)


@alert_target.command(
    needs_vault=False,
    help=N_("Send no more alerts to NAME."),
    examples=[("holdfast server alert-target remove ops", N_("At once."))],
)
@click.argument("name")
def remove(name: str) -> None:
    run, client = start(), _client()
    target = _target(client, name)
    client.delete(f"/alert-targets/{target['id']}")
    tell_done(run, "alert-target", target, _("No more alerts go to {name}").format(name=name))


@alert_target.command(
    needs_vault=False,
    help=N_("Send a test message to NAME now, and say whether it was taken."),
    examples=[("holdfast server alert-target test ops", N_("Look whether it arrives."))],
)
@click.argument("name")
def test(name: str) -> None:
    run, client = start(), _client()
    target = _target(client, name)
    client.post(f"/alert-targets/{target['id']}/test")
    tell_done(run, "alert-target", target, _("{name} took a test message").format(name=name))


@click.group(
    cls=Group,
    needs_vault=False,
    help=N_(
        "Keep alerts from being sent for a while; they are listed all the same.\n\n"
        "Alerts about security cannot be silenced."
    ),
)
def silence() -> None:
    pass


@silence.command(
    "add",
    needs_vault=False,
    help=N_("Send no alerts of a kind, a vault or a machine, because of REASON."),
    examples=[
        (
            "holdfast server silence add 'new disks' --machine 3f2a9c0d11e8b7a6 --hours 8",
            N_("One machine, for today."),
        ),
        (
            "holdfast server silence add 'we know' --kind backup-warnings",
            N_("One kind, until `silence end`."),
        ),
    ],
)
@click.argument("reason")
@option("--kind", metavar="KIND", help=N_("Only of this kind, for example backup-warnings."))
@_on
@option("--machine", metavar="ID", help=N_("Only of this machine."))
@option("--hours", type=click.FloatRange(min=0, min_open=True), help=N_("For so many hours."))
def add_silence(
    reason: str, *, kind: str | None, on: str | None, machine: str | None, hours: float | None
) -> None:
    run = start()
    body = {
        "reason": reason,
        "kind": kind,
        "vault": on or common_vault(),
        "machine_id": machine,
        "hours": hours,
    }
    made = _client().post("/alert-suppressions", body)
    sentence = _("Silenced; `holdfast server silence end {id}` ends it")
    tell_done(run, "silence", made, sentence.format(id=made["id"]))


@silence.command(
    "list",
    needs_vault=False,
    help=N_("List what is silenced, since when and why."),
    examples=[("holdfast server silence list", N_("With the ids that `end` takes."))],
)
def list_silences() -> None:
    run, client = start(), _client()
    tell_list(run, "silence", _with_vaults(client, client.get("/alert-suppressions")), _SILENCE)


@silence.command(
    needs_vault=False,
    help=N_("Send alerts again that the silence ID held back; those of before are not sent."),
    examples=[("holdfast server silence end 3f2a9c0d11e8b7a6", N_("As `list` shows it."))],
)
@click.argument("id_", metavar="ID")
def end(id_: str) -> None:
    from holdfast.app.server_client import part

    run = start()
    _client().delete(f"/alert-suppressions/{part(id_)}")
    tell_done(run, "silence", {"id": id_}, _("Ended the silence {id}").format(id=id_))


def _client() -> "ServerClient":
    from holdfast.app.server_client import connect

    return connect(start().session.settings.home)


def _read(run: Run, file: str) -> str:
    from holdfast.app.secret_sources import read_passphrase

    return plain(read_passphrase(file, session=run.session))


def _target(client: "ServerClient", name: str) -> Record:
    from holdfast.app.alert_targets import target_named

    return target_named(client, name)


def _with_vaults(client: "ServerClient", records: list[dict[str, Any]]) -> list[Record]:
    """Each with the name of its vault beside its id."""
    names = {one["id"]: one["name"] for one in client.items("/vaults", deleted=True)}
    return [{**one, "vault": names.get(one["vault_id"])} for one in records]
