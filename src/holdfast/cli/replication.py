"""`holdfast replication`: a second site that follows the virtual machines of this host."""

import click

from holdfast.base.texts import N_
from holdfast.cli.command import Group

_COMMANDS = {
    "enable": "holdfast.cli.replication_enable:enable",
    "status": "holdfast.cli.replication_status:status",
    "list": "holdfast.cli.replication_fleet:list_all",
    "pause": "holdfast.cli.replication_orders:pause",
    "resume": "holdfast.cli.replication_orders:resume",
    "resync": "holdfast.cli.replication_orders:resync",
    "disable": "holdfast.cli.replication_orders:disable",
    "log": "holdfast.cli.replication_log:log",
    "trace": "holdfast.cli.replication_log:trace",
    "change": "holdfast.cli.replication_change:change",
    "end": "holdfast.cli.replication_fleet:end",
    "kept-replicas": "holdfast.cli.replication_kept:kept_replicas",
    "restore-replica": "holdfast.cli.replication_kept:restore_replica",
    "purge-replica": "holdfast.cli.replication_kept:purge_replica",
    "run": "holdfast.cli.replication_run:run",
    "serve": "holdfast.cli.replication_run:serve",
    "admit": "holdfast.cli.replication_sites:admit",
    "dismiss": "holdfast.cli.replication_sites:dismiss",
    "join": "holdfast.cli.replication_sites:join",
    "intake": "holdfast.cli.replication_intake:intake",
    "seed": "holdfast.cli.replication_seed:seed",
}


@click.group(
    cls=Group,
    lazy=_COMMANDS,
    needs_vault=False,
    help=N_(
        "Replication: another host that can start the virtual machines of this one, "
        "never more than minutes behind.\n\n"
        "Between registered hosts the server makes all introductions. Without one, the site "
        "admits a source with a file, and the source joins it."
    ),
    examples=[
        ("holdfast replication serve --folder /srv/replicas", N_("On the site.")),
        ("holdfast replication admit north --address south.example", N_("On the site, once.")),
        ("holdfast replication join south.holdfast-site", N_("On the source, once.")),
        ("holdfast replication enable web --to south --every 5m", N_("On the source.")),
        ("holdfast replication status", N_("How far behind each one is, and why.")),
    ],
)
def replication() -> None:
    pass
