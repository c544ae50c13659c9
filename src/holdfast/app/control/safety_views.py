"""The list behind the figures of the overview: each machine, how safe it is, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.safety import Safety
from holdfast.app.control.subjects import MACHINE, VM, Subject
from holdfast.app.control.survey import PROVEN_FOR, Survey, survey
from holdfast.fleet.paging import Page, Window, make_page


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyView:
    """One machine or virtual machine, and why it is as safe as it is."""

    kind: str
    id: str
    name: str
    vault_id: str
    vault: str
    machine_id: str
    machine: str
    safety: str
    reasons: list[str]
    point_at: datetime | None
    sites: list[str]
    rpo_seconds: float | None
    proven_at: datetime | None
    proven_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is None is not looked at."""

    kind: str | None = None
    safety: str | None = None
    vault: str | None = None
    # Of those that something protects: whether it was shown to come back within the last 90 days.
    is_proven: bool | None = None


def list_safety(plane: Plane, actor: Actor, window: Window, *, wanted: Wanted) -> Page[SafetyView]:
    """Those a figure of the overview is made of, sorted by name."""
    found, after = survey(plane, actor), window.parts(3)
    rows = [
        one
        for one in found.subjects
        if _is_wanted(found, one, wanted) and (after is None or _key(one) > after)
    ]
    return make_page(
        rows[: window.one_more], window, key=_key, view=lambda one: _safety(found, one)
    )


def safety_of(plane: Plane, actor: Actor, machine_id: str, vm: str = "") -> SafetyView | None:
    """Of a machine, or of a virtual machine on it; None: it was not judged yet."""
    found = survey(plane, actor)
    wanted = (VM, vm, machine_id) if vm else (MACHINE, machine_id, machine_id)
    mine = (one for one in found.subjects if (one.kind, one.id, one.machine_id) == wanted)
    return next((_safety(found, one) for one in mine), None)


def _key(one: Subject) -> list[str]:
    return [one.name, one.kind, one.id]


def _is_wanted(found: Survey, one: Subject, wanted: Wanted) -> bool:
    vault = (one.vault_id, found.vaults.get(one.vault_id))
    return (
        wanted.kind in (None, one.kind)
        and wanted.safety in (None, one.safety)
        and (wanted.vault is None or wanted.vault in vault)
        and (wanted.is_proven is None or wanted.is_proven is _kept_and_proven(found, one))
    )


def _kept_and_proven(found: Survey, one: Subject) -> bool | None:
    """None: it is not asked of what nothing protects."""
    return is_proven(found, one) if is_kept(one) else None


def is_kept(one: Subject) -> bool:
    """Something protects it, well or not: of nothing else can it be asked whether it is proven."""
    return one.safety in (Safety.PROTECTED, Safety.AT_RISK)


def is_proven(found: Survey, one: Subject) -> bool:
    return one.proof is not None and found.at - one.proof.at <= PROVEN_FOR


def unproven(found: Survey, among: Iterable[Subject]) -> list[Subject]:
    """While there are any, nobody is told that all is well."""
    return [one for one in among if is_kept(one) and not is_proven(found, one)]


def _safety(found: Survey, one: Subject) -> SafetyView:
    return SafetyView(
        kind=one.kind,
        id=one.id,
        name=one.name,
        vault_id=one.vault_id,
        vault=found.vaults.get(one.vault_id, ""),
        machine_id=one.machine_id,
        machine=one.machine,
        safety=one.safety.value,
        reasons=[why.value for why in one.reasons],
        point_at=one.point_at,
        sites=list(one.sites),
        rpo_seconds=one.rpo_seconds,
        proven_at=one.proof.at if one.proof else None,
        proven_by=one.proof.by.value if one.proof else None,
    )
