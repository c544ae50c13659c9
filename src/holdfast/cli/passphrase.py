"""`holdfast passphrase`: the passphrases that open a vault."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Group, option
from holdfast.cli.run import Run, start

_SHORT = 8
_new_file = option(
    "--new-passphrase-file",
    metavar="FILE",
    help=N_("File with the new passphrase; without it, it is typed twice."),
)
_lab = option(
    "--lab", is_flag=True, help=N_("For trials: any passphrase will do, guessing it is easy.")
)


@click.group(
    cls=Group,
    needs_vault=False,
    help=N_(
        "List, add, change or remove the passphrases that open the vault.\n\n"
        "All of them open the same key: who once had one can read the copies they made then."
    ),
)
def passphrase() -> None:
    pass


@passphrase.command(
    "list",
    help=N_("List the passphrases: when, where and by whom each was set."),
    examples=[("holdfast passphrase list", N_("The one in use is marked with *."))],
)
def list_() -> None:
    from holdfast.app.passphrases import list_passphrases
    from holdfast.cli.passphrase_report import tell

    run = start()
    tell(run.out, list_passphrases(run.open()))


@passphrase.command(
    help=N_("Let another passphrase open the vault as well."),
    exits=[Exit.LOCKED],
    examples=[
        ("holdfast passphrase add", N_("Typed twice.")),
        (
            "holdfast passphrase add --new-passphrase-file /root/second.passphrase",
            N_("From a file."),
        ),
    ],
)
@_new_file
@_lab
def add(*, new_passphrase_file: str | None, lab: bool) -> None:
    from holdfast.app.passphrases import add as add_passphrase
    from holdfast.app.secret_sources import new_passphrase
    from holdfast.app.vaults import cost_of
    from holdfast.cli.json_events import PassphraseAdded

    run = start()
    repository = run.open()
    fresh = new_passphrase(run.session, file=new_passphrase_file, lab=lab)
    key = add_passphrase(repository, fresh, cost=cost_of(lab=lab))
    run.out.done(PassphraseAdded(key=key), _("Added passphrase {id}").format(id=key[:_SHORT]))


@passphrase.command(
    help=N_("Put a new passphrase in the place of the one this command is opened with."),
    exits=[Exit.LOCKED],
    examples=[("holdfast passphrase change", N_("Typed twice; the old one stops working."))],
)
@_new_file
@_lab
def change(*, new_passphrase_file: str | None, lab: bool) -> None:
    from holdfast.app.machine_passphrase import follow_change
    from holdfast.app.passphrases import change as change_passphrase
    from holdfast.app.secret_sources import new_passphrase
    from holdfast.app.vaults import cost_of
    from holdfast.cli.json_events import PassphraseChanged

    run = start()
    repository = run.open()
    fresh = new_passphrase(run.session, file=new_passphrase_file, lab=lab)
    former = repository.key_id

    def take_up() -> None:
        _forget_kept_key(run, repository.storage.place)
        follow_change(run.session, fresh)

    with run.deleting("passphrase"):
        key = change_passphrase(repository, fresh, cost=cost_of(lab=lab), take_up=take_up)
    run.out.done(
        PassphraseChanged(key=key, former=former),
        _("Changed the passphrase; it is {id} now").format(id=key[:_SHORT]),
    )


@passphrase.command(
    help=N_("Remove a passphrase by the beginning of its id, but never the one in use."),
    exits=[Exit.LOCKED],
    examples=[("holdfast passphrase remove 4f2a", N_("`holdfast passphrase list` shows the ids."))],
)
@click.argument("key")
def remove(key: str) -> None:
    from holdfast.app.passphrases import remove as remove_passphrase
    from holdfast.cli.json_events import PassphraseRemoved

    run = start()
    repository = run.open()
    with run.deleting("passphrase"):
        removed = remove_passphrase(repository, key)
    _forget_kept_key(run, repository.storage.place)
    sentence = _("Removed passphrase {id}")
    run.out.done(PassphraseRemoved(key=removed), sentence.format(id=removed[:_SHORT]))


@passphrase.command(
    "set",
    help=N_(
        "Save the passphrase with which this registered machine backs up by itself.\n\n"
        "For when the saved one was lost or damaged. It has to open the machine's repository; "
        "the recovery key will do."
    ),
    needs_vault=False,
    exits=[Exit.NO_VAULT, Exit.WRONG_PASSPHRASE],
    examples=[("holdfast passphrase set", N_("Typed once."))],
)
def set_saved() -> None:
    from holdfast.app.machine_passphrase import save_proven, typed_or_given
    from holdfast.cli.json_events import PassphraseSaved

    run = start()
    file = save_proven(run.session, typed_or_given(run.session))
    run.out.done(PassphraseSaved(file=file), _("The passphrase is saved, and proven to be right"))


def _forget_kept_key(run: Run, place: str) -> None:
    from holdfast.app.keyring import KeptKeys

    KeptKeys(run.session.settings.keyring).forget(place)
