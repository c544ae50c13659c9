"""What the doctor is told about our extension in guests."""

from collections.abc import Iterator
from datetime import timedelta

from holdfast.app.vm_guest_probe import of_each, runs
from holdfast.app.vm_known import Known
from holdfast.app.vm_look import answers
from holdfast.app.wiring import Session
from holdfast.hypervisor.domains import Domain
from holdfast.machines.extension import bundle
from holdfast.machines.extension.in_guest import InGuest

Line = dict[str, object]


def tell_extension(session: Session) -> Iterator[Line]:
    yield from of_each(session, _extension)


def _extension(session: Session, _known: Known, domain: Domain) -> Iterator[Line]:
    if not runs(domain) or not answers(domain):
        return
    status = InGuest(domain, session.clock).status()
    line: Line = {"holdfast": "vm-extension", "vm": domain.name, "state": status.state.value}
    line |= {"version": status.version, "newest": bundle.version(), "reason": status.reason}
    line["age_seconds"] = _seconds(status.age)
    if status.operation is not None:
        line["holder"] = f"{status.operation.what} ({status.operation.pid})"
        line["holder_age_seconds"] = _seconds(status.operation.age)
    yield line


def _seconds(age: timedelta | None) -> float | None:
    return None if age is None else age.total_seconds()
