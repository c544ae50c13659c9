"""To which host a machine belongs: each giving is a greater epoch, durable before anything starts."""

import msgspec

from holdfast.recovery.record import Act, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder


def follow(folder: RecordFolder, *, epoch: int) -> None:
    """Of a machine that was given about before it was replicated to here the count goes on.

    This host never had it: what its source lives by is right. One that had it, and knows of a
    smaller epoch, has been put back to an older state, and is told so when it orders something.
    """

    def followed(record: RecoveryRecord) -> RecoveryRecord:
        if record.runs_at or record.epoch >= epoch:
            return record
        return msgspec.structs.replace(record, epoch=epoch)

    folder.change(followed)


def take(folder: RecordFolder, act: Act, *, machine_id: str, at_least: int = 0) -> RecoveryRecord:
    """It belongs to this host when this returns; again for the same act changes nothing.

    `at_least`: an epoch that the other host is known to live by.
    """

    def taken(record: RecoveryRecord) -> RecoveryRecord:
        if has_taken(record, act, machine_id=machine_id):
            return record
        epoch = max(record.epoch, at_least) + 1
        known = record.act if record.act and record.act.id == act.id else act
        kept = msgspec.structs.replace(known, epoch=epoch)
        return msgspec.structs.replace(record, epoch=epoch, runs_at=machine_id, act=kept)

    return folder.change(taken)


def has_taken(record: RecoveryRecord, act: Act, *, machine_id: str) -> bool:
    known = record.act
    is_of_act = known is not None and known.id == act.id and known.epoch == record.epoch
    return is_of_act and record.epoch > 0 and record.runs_at == machine_id


def give_back(folder: RecordFolder, act: Act, *, source: str) -> RecoveryRecord:
    """It belongs to its source when this returns, which hears of it with its next tidings."""

    def given(record: RecoveryRecord) -> RecoveryRecord:
        if has_given_back(record, act):
            return record
        epoch = record.epoch + 1
        known = record.act if record.act and record.act.id == act.id else act
        kept = msgspec.structs.replace(known, epoch=epoch)
        return msgspec.structs.replace(
            record, epoch=epoch, runs_at=source, stage=Stage.UNDOING, act=kept
        )

    return folder.change(given)


def has_given_back(record: RecoveryRecord, act: Act) -> bool:
    known = record.act
    return known is not None and known.id == act.id and 0 < known.epoch == record.epoch
