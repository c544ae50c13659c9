"""What `replication serve` does for machines that were failed over to this host: they stay up."""

from collections.abc import Callable

from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.recovery.keeping_up import KeepingUp
from holdfast.recovery.promotion import Place
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_side import this_boot
from holdfast.replication.site import Site

Warn = Callable[[str, HoldfastError], None]


class UpTender:
    """Asks the hypervisor only where there is such a machine."""

    def __init__(self, session: Session, site: Site, machine_id: str, warn: Warn) -> None:
        self._session = session
        self._site = site
        self._warn = warn
        home = session.settings.home
        self._keeping = KeepingUp(home=home, machine_id=machine_id, boot=this_boot(), warn=warn)

    def tick(self) -> None:
        try:
            folders = self._keeping.wanted()
            if folders:
                self._look_after(folders)
        except HoldfastError as err:
            self._warn("up", err)

    def _look_after(self, folders: list[RecordFolder]) -> None:
        from holdfast.hypervisor.connection import Host

        with Host.open(self._session.settings.libvirt) as host:
            place = Place(host=host, site=self._site, clock=self._session.clock)
            for folder in folders:
                self._keeping.look_after(folder, place)
