"""The lease under which a person's command on a registered machine deletes through the gateway.

One lease at a time for a machine. The agent's jobs work under the agent's; commands of people ask
for one of their own, one after the other, and give it back at their end.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.registration_state import find_registration
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_, _
from holdfast.fleet.messages import LeaseReply, LeaseRequest

if TYPE_CHECKING:
    from holdfast.app.agent_link import AgentLink

# Short: who is killed shall not keep the agent's own work waiting for long.
_SECONDS = 300.0
_PROLONG_EVERY = 60.0
_ASK_EVERY = 2.0
_HOLDER = "person"
_PRIVATE = 0o600


class LeaseRefused(HoldfastError):
    code = "lease-refused"
    sentence = N_("Nothing was deleted: the server gives no lease for it now: {reason}")
    remedy = N_(
        "What deletes on this machine needs its server's leave, one work at a time. "
        "Run the same command again later, or with --wait where it has that option."
    )
    retry = Retry.LATER


@contextlib.contextmanager
def deleting(session: Session, kind: str, *, wait: timedelta = timedelta(0)) -> Iterator[None]:
    """While this lasts the gateway lets this machine delete, if the vault is behind one.

    Anywhere else, and for jobs that the agent has a lease for, there is nothing to do.
    """
    settings = session.settings
    found = None if settings.lease else find_registration(settings.home)
    if found is None or settings.vault != found.location:
        yield
        return
    from holdfast.app.unregister import link_of

    folder = AgentFolder.of(settings.home)
    link = link_of(found, folder)
    patience = _Patience(session=session, left=wait)
    try:
        with _alone(folder, patience) as note:
            _give_back(link, _read(note))
            lease = _taken(link, kind, patience)
            _write(note, lease.id)
            try:
                with _prolonged(link, lease):
                    yield
            finally:
                _give_back(link, lease.id)
                _write(note, "")
    finally:
        link.close()


@dataclass(slots=True, kw_only=True)
class _Patience:
    """How long to go on asking."""

    session: Session
    left: timedelta
    _is_told: bool = field(default=False)

    def bear(self, reason: object) -> None:
        """Wait a little before asking again; raise when all of it is used up."""
        if self.left <= timedelta(0):
            raise LeaseRefused(reason=reason)
        if not self._is_told:
            self._is_told = True
            self.session.warn(_("waiting for a lease: {reason}").format(reason=reason))
        self.session.clock.sleep(_ASK_EVERY)
        self.left -= timedelta(seconds=_ASK_EVERY)


@contextlib.contextmanager
def _alone(folder: AgentFolder, patience: _Patience) -> Iterator[int]:
    """The file that one command holds at a time; in it the lease of one that was killed."""
    note = os.open(folder.lease, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
    try:
        while not _is_held(note):
            patience.bear(_("another command deletes on this machine"))
        yield note
    finally:
        os.close(note)


def _is_held(note: int) -> bool:
    try:
        fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _taken(link: "AgentLink", kind: str, patience: _Patience) -> LeaseReply:
    wanted = LeaseRequest(kind=kind, seconds=_SECONDS, holder=_HOLDER)
    while True:
        try:
            return link.ask("POST", "/agent/leases", wanted, LeaseReply)
        except HoldfastError as err:
            if err.retry is not Retry.LATER:
                raise
            patience.bear(err)


@contextlib.contextmanager
def _prolonged(link: "AgentLink", lease: LeaseReply) -> Iterator[None]:
    ended = threading.Event()
    tender = threading.Thread(
        target=_tend, args=(link, lease, ended), name="holdfast-lease", daemon=True
    )
    tender.start()
    try:
        yield
    finally:
        ended.set()
        tender.join()


def _tend(link: "AgentLink", lease: LeaseReply, ended: threading.Event) -> None:
    body = {"seconds": _SECONDS}
    while not ended.wait(_PROLONG_EVERY):
        # When it cannot be prolonged the gateway refuses the next deletion, and says why.
        with contextlib.suppress(HoldfastError):
            link.ask("POST", f"/agent/leases/{lease.id}/prolong", body, LeaseReply)


def _give_back(link: "AgentLink", lease_id: str) -> None:
    if lease_id:
        # It ends by itself soon, should the server not hear this.
        with contextlib.suppress(HoldfastError):
            link.tell("DELETE", f"/agent/leases/{lease_id}")


def _read(note: int) -> str:
    text = os.pread(note, 64, 0).decode("ascii", errors="replace").strip()
    return text if text.isalnum() else ""


def _write(note: int, text: str) -> None:
    os.ftruncate(note, 0)
    os.pwrite(note, text.encode("ascii"), 0)
