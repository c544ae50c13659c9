"""Errors that machines told of, said again in the language of whoever reads them now."""

from functools import cache
from importlib import import_module
from string import Formatter
from typing import Any

from holdfast.base.errors import HoldfastError

# Where the errors of jobs are defined; the server itself would load few of these.
_DEFINED_IN = (
    "holdfast.storage.errors",
    "holdfast.storage.rest_errors",
    "holdfast.vault.errors",
    "holdfast.vault.locks",
    "holdfast.vault.held_lock",
    "holdfast.vault.upkeep_errors",
    "holdfast.files.errors",
    "holdfast.files.restore.errors",
    "holdfast.hypervisor.errors",
    "holdfast.machines.errors",
    "holdfast.machines.inside_errors",
    "holdfast.machines.restore_errors",
    "holdfast.app.download_errors",
    "holdfast.app.setup_errors",
    "holdfast.app.control.job_errors",
    "holdfast.recovery.act_errors",
    "holdfast.recovery.planned_errors",
    "holdfast.recovery.promotion_errors",
    "holdfast.recovery.way_back_errors",
    "holdfast.recovery.live_errors",
    "holdfast.recovery.trial_errors",
    "holdfast.replication.replica_errors",
)


def retold(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """The same with message and remedy in the language in use; as it was when that cannot be."""
    kind = _known(str(error.get("code"))) if error else None
    fields = error.get("fields") if error else None
    if error is None or kind is None or not isinstance(fields, dict):
        return error
    if not _names(kind) <= fields.keys():
        return error
    said = kind(**fields)
    return {**error, "message": str(said), "remedy": said.advice}


def _known(code: str) -> type[HoldfastError] | None:
    _load()
    return HoldfastError.registry.get(code)


@cache
def _load() -> None:
    for module in _DEFINED_IN:
        import_module(module)


def _names(kind: type[HoldfastError]) -> set[str]:
    """The fields its sentence and its remedy need."""
    texts = (kind.sentence, kind.remedy)
    return {name for text in texts for _literal, name, *_rest in Formatter().parse(text) if name}
