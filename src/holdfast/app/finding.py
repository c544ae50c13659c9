"""Ask the doctor about a failed job of our own, with its own error and what can be seen now."""

from holdfast.app.job_records import Record
from holdfast.app.own_probes import tell
from holdfast.app.wiring import Session
from holdfast.base.errors import Hint, HoldfastError

# Cheap enough to be asked while somebody waits for the error message.
_QUICK = ("own.scratch", "own.vault")


def hint_for(session: Session, record: Record, error: HoldfastError) -> Hint | None:
    """What the doctor finds to be the cause of this error, None when it cannot tell."""
    # Only a job that failed pays for loading the catalogue.
    import json

    from holdfast.doctor.artefacts import from_text
    from holdfast.doctor.diagnosis import diagnose
    from holdfast.doctor.loading import load
    from holdfast.doctor.matching import symptoms_for
    from holdfast.doctor.reading import Reading
    from holdfast.doctor.wording import say

    catalogue = load()
    asked = symptoms_for(catalogue, error.code)
    if not asked:
        return None
    told = {
        "own.jobs": json.dumps(record).encode(),
        **{probe: tell(probe, session) for probe in _QUICK},
    }
    artefacts = [
        from_text(probe, text, probe=probe, whole=True) for probe, text in told.items() if text
    ]
    reading = Reading(catalogue, now=session.clock.now().replace(tzinfo=None))
    reading.read(artefacts)
    report = diagnose(catalogue, reading, asked=asked)
    order = {cause for name in asked for cause in catalogue.symptoms[name].causes}
    root = next((one for one in report.found if one.cause in order), None)
    if root is None:
        return None
    cause, owner = catalogue.causes[root.cause], catalogue.owner("cause", root.cause).id
    return Hint(
        code=cause.code,
        cause=root.cause,
        job=str(record.get("id")),
        sentence=say(owner, f"cause.{root.cause}.found", cause.found, root.verdict.values),
    )
