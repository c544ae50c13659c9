"""The virtual machines this host protects, as they are noted on its disk."""

from collections.abc import Callable

from holdfast.app.vm_protected import protected_vms
from holdfast.app.vm_records import Protection


class ProtectedVms:
    """Read anew whenever it is asked; what cannot be read is said once."""

    def __init__(self, home: str, *, warn: Callable[[str], None]) -> None:
        self._home = home
        self._warn = warn
        self._warned: set[str] = set()

    def names(self) -> list[str]:
        return [one.name for one in self._all()]

    def host_of(self, vm: str) -> str:
        """The hypervisor on which a machine of this name or UUID is protected; "": none."""
        return next((one.host for one in self._all() if vm in (one.name, one.uuid)), "")

    def _all(self) -> list[Protection]:
        return protected_vms(self._home, warn=self._warn_once)

    def _warn_once(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            self._warn(message)
