"""Makes a recovery kit of what there is on this machine: a server's state, or a site."""

import os
import tempfile
from collections.abc import Sequence

import msgspec

from holdfast.app.control.recovery_kit import kit_of_server
from holdfast.app.control.server_settings import (
    ServerSettings,
    address_of,
    load_server_settings,
    server_folder,
)
from holdfast.app.control.state_transfer import Place, export_state
from holdfast.app.recovery_kit import Kit, plan_files
from holdfast.app.recovery_kit_file import KIT_FILE, write_kit
from holdfast.app.recovery_kit_here import kit_of_site
from holdfast.app.recovery_kit_pages import runbooks
from holdfast.app.wiring import Session
from holdfast.base.secret import Secret
from holdfast.catalog.migrating import open_database

_STATE = "state"
# Whoever has it is the server.
AUTHORITY_KEY = "ca.key"


def make_kit(
    session: Session,
    file: str,
    passphrase: Secret,
    *,
    contacts: Sequence[str],
    database: str | None = None,
) -> Kit:
    """All that the server knows, with its state; on a site without one, what lies there."""
    if not os.path.exists(os.path.join(server_folder(session.settings.home), AUTHORITY_KEY)):
        kit = kit_of_site(session, contacts)
        write_kit(file, passphrase, texts_of(kit), state=None)
        return kit
    settings = load_server_settings(session.settings.home, database=database)
    kit = _of_server(session, settings, contacts)
    with tempfile.TemporaryDirectory(prefix="holdfast-kit-") as folder:
        state = os.path.join(folder, _STATE)
        place = Place(folder=settings.folder, database_url=settings.database_url)
        export_state(place, state, passphrase, now=kit.made_at)
        write_kit(file, passphrase, texts_of(kit), state=state)
    return kit


def texts_of(kit: Kit) -> dict[str, bytes]:
    texts = {KIT_FILE: msgspec.json.format(msgspec.json.encode(kit), indent=2) + b"\n"}
    texts |= runbooks(kit)
    return texts | {name: plan.text.encode() for name, plan in plan_files(kit.plans).items()}


def _of_server(session: Session, settings: ServerSettings, contacts: Sequence[str]) -> Kit:
    database = open_database(settings.database_url)
    try:
        return kit_of_server(
            database,
            now=session.clock.now(),
            made_on=os.uname().nodename,
            address=address_of(settings, settings.place[1]),
            contacts=contacts,
        )
    finally:
        database.close()
