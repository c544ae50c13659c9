"""From the values the use cases return to the events programs read."""

import base64

from holdfast.base.errors import Hint, HoldfastError
from holdfast.base.texts import _
from holdfast.cli import json_events as events
from holdfast.cli.output import encodable, page_of
from holdfast.files.report import SKIP_SENTENCES, Progress, Skipped


def path_text(raw: bytes) -> str:
    """A path for people; exact only where path_base64 is None."""
    return raw.decode(errors="backslashreplace")


def path_base64(raw: bytes) -> str | None:
    """The exact bytes of a path that is not UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode()
    return None


def progress_event(now: Progress, seconds: float) -> events.Progress:
    return events.Progress(
        phase=now.phase.value,
        seconds=round(seconds, 3),
        files_done=now.files_done,
        files_total=now.files_total,
        bytes_done=now.bytes_done,
        bytes_total=now.bytes_total,
        current=encodable(now.current),
        warnings=now.warnings,
    )


def skipped_event(item: Skipped) -> events.Skipped:
    return events.Skipped(
        path=path_text(item.path),
        path_base64=path_base64(item.path),
        code=item.reason.value,
        errno=item.errno,
        message=_(SKIP_SENTENCES[item.reason]),
        detail=encodable(item.detail),
    )


def error_event(err: HoldfastError) -> events.Error:
    return events.Error(
        code=err.code,
        message=encodable(str(err)),
        remedy=encodable(err.advice),
        exit_status=err.exit_status,
        retry=err.retry.value,
        source_codes=list(err.source_codes),
        page=page_of(err),
        finding=_finding(err.hint),
        fields={name: encodable(str(value)) for name, value in err.fields.items()},
    )


def _finding(hint: Hint | None) -> dict[str, str] | None:
    if hint is None:
        return None
    sentence = encodable(hint.sentence)
    return {"code": hint.code, "cause": hint.cause, "sentence": sentence, "job": hint.job}
