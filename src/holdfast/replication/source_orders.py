"""What a machine's loop and whoever obeys its site know of each other.

The loop asks the site every few seconds what it wants; what is done about it, and what is told of
it, is recovery's. Whatever is there for it is made for one machine, and is used by one thread.
"""

from collections.abc import Callable
from typing import Protocol

from holdfast.hypervisor.domains import Domain
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.site_orders import SiteOrder, SourceTidings
from holdfast.replication.source_facts import Sent
from holdfast.replication.source_job import SourceJob
from holdfast.replication.states import Event
from holdfast.replication.status import State

# Between two questions while nothing happens, and while something is being done.
USUAL_SECONDS, BUSY_SECONDS = 2.0, 0.25


class Loop(Protocol):
    """What the loop of a machine can be asked for, from another thread."""

    @property
    def uuid(self) -> str: ...

    @property
    def settings(self) -> ReplicationSettings: ...

    @property
    def state(self) -> State: ...

    def find(self) -> Domain:
        """The machine, wherever it lives now."""

    def job(self, domain: Domain) -> SourceJob: ...

    def sent(self) -> Sent: ...

    def hurry(self, *, is_hurried: bool) -> None:
        """A cycle now, and whatever must come before it; not hurried: as ever."""

    def trouble(self) -> dict[str, str]:
        """What its last tries failed with: code and sentence; empty where all is well."""

    def move(self, *events: Event) -> None: ...

    def happened(self, what: str, why: str) -> None: ...

    def mind(self, *, is_split: bool, waits_for_site: bool) -> None:
        """What its health is to say of it besides."""

    def send_now(self) -> None:
        """Something was made outside the loop, and lies ready."""

    def tell_now(self) -> None:
        """The site is told in this very moment how it is."""

    def on_step(self, step: str) -> None:
        """A word at each step, for tests that break in there."""


class Obeying(Protocol):
    """Of one machine, in one thread."""

    @property
    def is_halted(self) -> bool:
        """Nothing of it is read or sent; asked from any thread, and without a look at the world."""

    def tidings(self) -> SourceTidings: ...

    def hear(self, order: SiteOrder | None) -> float:
        """Do what can be done of it now; seconds until the site is to be asked again.

        None: the site is of before and has nothing to say, which is as good as nothing new.
        """

    def unheard(self) -> None:
        """The site did not answer."""


class Content:
    """Does nothing for a site, and goes on as ever."""

    is_halted = False

    def tidings(self) -> SourceTidings:
        return SourceTidings()

    def hear(self, order: SiteOrder | None) -> float:  # noqa: ARG002  whatever it is
        return USUAL_SECONDS

    def unheard(self) -> None: ...


def nobody_obeys(_loop: Loop) -> Obeying:
    """Sites are asked, and nothing comes of it."""
    return Content()


OnOrder = Callable[[Loop], Obeying]
