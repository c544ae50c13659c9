"""Who starts a protected machine with its host: not libvirt, which asks nobody where it may run.

What libvirt was told is kept in the record, so that it can be told again when the protection ends.
"""

import msgspec

from holdfast.hypervisor.domains import Domain
from holdfast.recovery import fencing
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_notes import NotesFile


def take_autostart(folder: RecordFolder, domain: Domain, *, boot: str) -> bool:
    """Whether it is to start with its host, by our own doing from now on; again is as once."""
    record = folder.load()
    if not domain.is_persistent() or not domain.starts_by_itself():
        return bool(record and record.starts_with_host)
    # Since this start of the host it runs, or was ended by somebody.
    NotesFile(folder.path).change(boot=boot)
    _keep(folder, domain, starts_with_host=True)
    fencing.take_autostart(domain)
    return True


def give_autostart_back(folder: RecordFolder, domain: Domain) -> bool:
    """Whether libvirt starts it with its host again; one that runs elsewhere is left barred."""
    record = folder.load()
    if record is None or not record.starts_with_host or record.fence is not None:
        return False
    fencing.give_autostart(domain)
    _keep(folder, domain, starts_with_host=None)
    return True


def _keep(folder: RecordFolder, domain: Domain, *, starts_with_host: bool | None) -> None:
    folder.change(
        lambda record: msgspec.structs.replace(record, starts_with_host=starts_with_host),
        first=RecoveryRecord(vm=domain.uuid, name=domain.name),
    )
