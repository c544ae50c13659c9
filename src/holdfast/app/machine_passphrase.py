"""The saved passphrase of a registered machine, when it was lost or another one holds."""

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.control.registration_errors import KeyDiffers
from holdfast.app.machine_repository import fingerprint_of
from holdfast.app.opening import storage_at
from holdfast.app.registering_errors import PassphraseOfAnother
from holdfast.app.registration_state import find_registration, load_registration
from holdfast.app.saved_passphrase import save_passphrase
from holdfast.app.secret_sources import passphrase_of, saved_in
from holdfast.app.wiring import Session
from holdfast.base.secret import Secret
from holdfast.vault.errors import WrongPassphrase
from holdfast.vault.opening import unlock


def save_proven(session: Session, passphrase: Secret) -> str:
    """Save it after it has opened this machine's repository; the file it lies in."""
    registration = load_registration(session.settings.home)
    folder = AgentFolder.of(session.settings.home)
    try:
        unlocked = unlock(storage_at(session, registration.location), passphrase)
    except WrongPassphrase as err:
        raise PassphraseOfAnother(machine=registration.machine_id) from err
    if fingerprint_of(unlocked.master) != registration.key_fingerprint:
        raise KeyDiffers(machine=registration.machine_id)
    save_passphrase(folder, passphrase)
    return folder.passphrase


def typed_or_given(session: Session) -> Secret:
    """From the options, or typed; never the damaged one that is saved."""
    from dataclasses import replace

    settings = session.settings
    if settings.passphrase_file == saved_in(settings):
        settings = replace(settings, passphrase_file=None)
    return passphrase_of(replace(session, settings=settings))


def follow_change(session: Session, passphrase: Secret) -> bool:
    """Behind a change of the repository's passphrase: the machine works with the new one."""
    settings = session.settings
    found = find_registration(settings.home)
    if found is None or settings.vault != found.location:
        return False
    save_passphrase(AgentFolder.of(settings.home), passphrase)
    return True
