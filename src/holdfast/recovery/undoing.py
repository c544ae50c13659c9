"""An undo: what a failover began or brought here goes, and the source has its machine again."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.base.texts import _
from holdfast.recovery.acts import Step
from holdfast.recovery.dropping import drop_step
from holdfast.recovery.epochs import give_back, has_given_back
from holdfast.recovery.policy import WITH_SOURCE
from holdfast.recovery.promoting import Place
from holdfast.recovery.record import Act, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """`source` is the id of the host that replicates it to here, `machine_id` this host's own."""

    place: Place
    folder: RecordFolder
    act: Act
    machine_id: str
    source: str

    def steps(self) -> Sequence[Step]:
        return (drop_step(self.place, self.folder), self._give_back())

    def stage_after(self) -> Stage:
        """The source has not heard yet, if there is anything to hear for it."""
        record = self._record()
        return Stage.UNDOING if has_given_back(record, self.act) else record.rests

    def _give_back(self) -> Step:
        def do() -> str:
            record = give_back(self.folder, self.act, source=self.source)
            return _("epoch {epoch}; its host hears of it as soon as it is there").format(
                epoch=record.epoch
            )

        return Step(name="give-back", do=do, is_done=self._is_given_back)

    def _is_given_back(self) -> bool:
        """Nothing was given away by an unplanned failover that had only begun to look."""
        record = self._record()
        # An undo that a release of before has begun knows only what it replaces.
        is_asked = self.act.has_asked or self.act.replaces in WITH_SOURCE
        is_away = record.runs_at == self.machine_id or is_asked
        return has_given_back(record, self.act) or not is_away

    def _record(self) -> RecoveryRecord:
        record = self.folder.load()
        assert record is not None, "an act has begun, so there is a record"
        return record
