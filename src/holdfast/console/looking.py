"""Looks into recovery points from a page: whose point it is, and who looks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from holdfast.app.control.answers import Asked
from holdfast.app.control.machine_views import MachineView
from holdfast.app.control.points import PointView
from holdfast.app.control.unlocking import UnlockView
from holdfast.console.visiting import Visit

T = TypeVar("T")
_VM_FOLDER = "/vm/"
_VM_TAGS = frozenset(("vm", "holdfast:vm"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One point of one machine. Without `unlock` the machine itself looks, which has the key."""

    visit: Visit
    machine: MachineView
    point: PointView
    unlock: UnlockView | None = None

    @property
    def host(self) -> str:
        """The name of the machine that looks, and to which a restore goes."""
        return self.unlock.reader if self.unlock else self.machine.name

    @property
    def vm(self) -> str | None:
        """The virtual machine this is a point of; None: it is one of files."""
        if not _VM_TAGS & set(self.point.tags):
            return None
        named = [path for path in self.point.paths if path.startswith(_VM_FOLDER)]
        return named[0].removeprefix(_VM_FOLDER) if named else None

    @property
    def unlock_id(self) -> str | None:
        return self.unlock.id if self.unlock else None

    async def ask(self, work: Callable[..., Asked[T]], wanted: object) -> T:
        """What its machine answers; the session is looked at again first."""
        given: dict[str, Any] = {"unlock": self.unlock_id}
        asked: Asked[T] = await self.visit.ask(work, self.machine.id, wanted, **given)
        return await asked.arrive()

    def place(self, page: str, **more: str) -> str:
        """The same look on another page."""
        query = {"machine": self.machine.id, "point": self.point.id, **more}
        if self.unlock is not None:
            query["unlock"] = self.unlock.id
        return f"{page}?{urlencode(query)}"
