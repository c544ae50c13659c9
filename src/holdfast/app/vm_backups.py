"""Back up several machines, each as if it were alone: one that fails keeps no other from its point.

How many work at once is a matter of their turns, see vm_turns; here each has a thread.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from holdfast.app.locking import Patience
from holdfast.app.opening import open_vault
from holdfast.app.vm_backup import VmBackupOptions, back_up_machine
from holdfast.app.vm_errors import VmNoneProtected
from holdfast.app.vm_protected import protected_vms
from holdfast.app.vm_turns import told_by
from holdfast.app.wiring import Session
from holdfast.base.secret import Secret
from holdfast.machines.vm_job import VmReport

# More than may work at once: who waits for a datastore keeps nobody from the others.
_WAITING_EACH = 4
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class VmOutcome:
    """How it went with one machine: a report, or why there is none."""

    vm: str
    report: VmReport | None = None
    error: Exception | None = None


def protected_here(session: Session) -> dict[str, str]:
    """The machines of this host that are protected: names, and UUIDs by which they are found."""
    host = session.settings.libvirt
    known = protected_vms(session.settings.home, warn=session.warn)
    found = {one.name: one.uuid for one in known if one.host == host}
    if not found:
        raise VmNoneProtected(host=host)
    return found


def back_up_machines(
    session: Session,
    wanted: Mapping[str, VmBackupOptions],
    *,
    patience: Patience | None = None,
    on_done: Callable[[VmOutcome], None] = lambda _: None,
) -> list[VmOutcome]:
    """By names, told in the order of their ends. Ctrl-C ends all, and leaves nothing half."""
    session = _shared(session)
    # What is wrong with the vault or its passphrase is told once.
    open_vault(session)
    stop = threading.Event()
    patience = patience or Patience()
    at_once = min(len(wanted), _WAITING_EACH * session.settings.vm_parallel)
    with ThreadPoolExecutor(at_once, thread_name_prefix="holdfast-vm") as pool:
        futures = [
            pool.submit(_one, _Task(session, name, options, patience, stop))
            for name, options in wanted.items()
        ]
        try:
            return [_told(future, on_done) for future in as_completed(futures)]
        except BaseException:
            stop.set()
            _let_end(futures)
            raise


def _told(future: "Future[VmOutcome]", on_done: Callable[[VmOutcome], None]) -> VmOutcome:
    outcome = future.result()
    on_done(outcome)
    return outcome


def _let_end(futures: "Sequence[Future[VmOutcome]]") -> None:
    for future in futures:
        future.cancel()
    while not all(future.done() for future in futures):
        try:
            wait(futures)
        except KeyboardInterrupt:
            # They are ending already; to leave them now would leave something half.
            continue


class _Task(NamedTuple):
    session: Session
    name: str
    options: VmBackupOptions
    patience: Patience
    stop: threading.Event


def _one(task: _Task) -> VmOutcome:
    """Also of what nobody foresaw: the others go on."""
    stop, patience = task.stop, task.patience
    patient = Patience(wait=patience.wait, waiting=_stopping(patience.waiting, stop))
    try:
        options = _stoppable(task.options, task.session, stop)
        report = back_up_machine(task.session, options, patience=patient)
    except Exception as err:
        return VmOutcome(vm=task.name, error=err)
    return VmOutcome(vm=task.name, report=report)


def _stoppable(
    options: VmBackupOptions, session: Session, stop: threading.Event
) -> VmBackupOptions:
    """A thread cannot be interrupted: whatever it tells of its work is where it ends."""
    return replace(
        options,
        on_progress=_stopping(options.on_progress, stop),
        on_step=_stopping(options.on_step, stop),
        on_waiting=_stopping(options.on_waiting or told_by(session), stop),
    )


def _stopping(tell: Callable[[_T], None], stop: threading.Event) -> Callable[[_T], None]:
    def tell_or_end(now: _T) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        tell(now)

    return tell_or_end


def _shared(session: Session) -> Session:
    """For several threads: a person is asked once, and told one thing after the other."""
    lock = threading.Lock()
    answers: dict[str, Secret] = {}

    def warn(message: str) -> None:
        with lock:
            session.warn(message)

    def ask(question: str) -> Secret:
        assert session.ask is not None
        with lock:
            if question not in answers:
                answers[question] = session.ask(question)
            return answers[question]

    return replace(session, warn=warn, ask=ask if session.ask else None)
