"""Errors on their way from a site to a source: the same class with the same fields there."""

import logging

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.replication import link_errors, log_errors, replica_errors
from holdfast.replication.link_errors import SiteFault, SiteSaid
from holdfast.replication.link_frames import LONGEST_HEAD, Refusal

_log = logging.getLogger(__name__)
_LONGEST_TEXT, _MOST_TEXTS = 2000, 20
# Importing them has made their errors known.
_ = link_errors, log_errors, replica_errors

Field = str | int | float | bool | list[str]


def refusal_of(number: int, error: BaseException, *, what: str) -> Refusal:
    """What a source is told; of what nobody has foreseen the details stay in the log here."""
    if not isinstance(error, HoldfastError):
        _log.error("%s: %r", what, error, exc_info=error)
        error = SiteFault(what=what, reason=f"{type(error).__name__}: {error}"[:_LONGEST_TEXT])
    refusal = Refusal(
        number=number,
        code=error.code,
        sentence=str(error)[:_LONGEST_TEXT],
        remedy=error.advice[:_LONGEST_TEXT],
        retry=error.retry.value,
        fields={name: _field(value) for name, value in error.fields.items()},
    )
    if len(msgspec.msgpack.encode(refusal)) > LONGEST_HEAD:
        # The sentence has what matters of them.
        return msgspec.structs.replace(refusal, fields={})
    return refusal


def error_of(refusal: Refusal) -> HoldfastError:
    """As it was there; of a kind this version does not have, the site's words."""
    kind = HoldfastError.registry.get(refusal.code)
    if kind is not None:
        try:
            return kind(**refusal.fields)
        except (TypeError, ValueError, KeyError):
            _log.debug("an error that wants other fields: %s", refusal.code)
    return SiteSaid(
        said=refusal.code, detail=refusal.sentence, advice=refusal.remedy, retry=refusal.retry
    )


def _field(value: object) -> Field:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [str(one)[:_LONGEST_TEXT] for one in value[:_MOST_TEXTS]]
    return str(value)[:_LONGEST_TEXT]
