"""How the recovery of a machine is, as this host sees it; nothing is changed, nobody is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.app.recovery_here import Here, here, machines_known, own_site
from holdfast.app.wiring import Session
from holdfast.recovery.acts import is_at_work
from holdfast.recovery.desk import SPLIT_BRAIN, Heard, tidings_of
from holdfast.recovery.dropping import written_bytes
from holdfast.recovery.policy import Standing, legal_acts
from holdfast.recovery.record import ActKind, Event, RecoveryRecord
from holdfast.recovery.tested_points import Tested, tested_points
from holdfast.recovery.trial_folder import TrialFolder
from holdfast.recovery.up_note import up_note
from holdfast.replication.replica_facts import ReplicaPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryLook:
    record: RecoveryRecord
    standing: Standing
    possible: frozenset[ActKind]
    # Some process performs the act that is under way.
    is_at_work: bool
    heard: Heard | None
    points: tuple[ReplicaPoint, ...]
    tested: Mapping[str, Tested]
    # What its images take that it writes to here.
    written: int
    # Why it was not started again with this host.
    not_started: str = ""

    @property
    def split(self) -> Event | None:
        """It was seen to run at both hosts by the epoch that holds now."""
        for event in reversed(self.record.events):
            if event.what == SPLIT_BRAIN and event.figures.get("epoch") == self.record.epoch:
                return event
        return None


def look_at_recovery(session: Session, vm: str) -> RecoveryLook:
    with here(session, vm, who="") as place:
        return _look(place)


def look_at_recoveries(session: Session) -> Iterator[RecoveryLook]:
    """Those this host knows anything of, by name."""
    known = machines_known(session.settings.home, own_site(session))
    for uuid, _name in sorted(known.items(), key=lambda item: (item[1], item[0])):
        yield look_at_recovery(session, uuid)


def _look(place: Here) -> RecoveryLook:
    record, standing, replica = place.record(), place.standing(), place.replica()
    note = up_note(place.folder.path)
    return RecoveryLook(
        record=record,
        standing=standing,
        possible=_possible(place, standing),
        is_at_work=record.act is not None and is_at_work(place.folder),
        heard=tidings_of(place.home, place.vm),
        points=replica.points if replica else (),
        tested=tested_points(place.home, place.vm),
        written=written_bytes(record.promoted) if record.promoted else 0,
        not_started=note.why if record.promoted and note else "",
    )


def _possible(place: Here, standing: Standing) -> frozenset[ActKind]:
    """A clean-up only where a test has left something."""
    legal = legal_acts(standing)
    return legal if TrialFolder(place.home, place.vm).left() else legal - {ActKind.CLEAN_UP}
