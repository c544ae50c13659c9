"""Restores, as people ask for them: what, out of which point, where to; each becomes a job."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import msgspec

from holdfast.app.control.answers import Asked
from holdfast.app.control.browse_errors import PathNotUnderstood, RestoreNotUnderstood
from holdfast.app.control.browsing import Looked, looked_at, question_for, require_listening
from holdfast.app.control.job_orders import arguments_of, order_job
from holdfast.app.control.job_views import JobView
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.retelling import retold
from holdfast.base.texts import _
from holdfast.fleet.jobs import Kind
from holdfast.fleet.point_paths import path_of, pattern_of
from holdfast.fleet.questions import Asking, Obstacle, VmPlan, VmPlanWanted

# The words of a command have room for so many.
MOST_PATHS = 2000
_ROOT = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreWanted:
    """`paths` as the folders of the point show them; none: all of it.

    Into the folder `to` come the paths as a whole, with the folders they lie in: `/` brings
    everything back to where it was. `is_straight` brings what is in one folder into `to` itself.
    """

    point: str
    to: str
    paths: list[str] = field(default_factory=list)
    is_straight: bool = False
    overwrite: Literal["changed", "always", "newer", "never"] = "changed"
    verify: bool = True
    # Compare and count, and write nothing.
    dry_run: bool = False
    # With a passphrase that was typed in: to the machine that looks in place of the lost one.
    unlock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideWanted:
    """One file or folder out of a virtual machine's disk; the path begins with the volume."""

    point: str
    path: str
    to: str
    unlock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmRestoreWanted(VmPlanWanted):
    """As `holdfast vm restore` takes it; what is None is as the point or the host says."""

    vm: str
    unlock: str | None = None


def order_restore(plane: Plane, actor: Actor, machine_id: str, wanted: RestoreWanted) -> JobView:
    """Files and folders: to the machine itself, or to the one that reads in its place."""
    point, include = _meant(wanted)
    arguments: dict[str, Any] = {
        "point": point,
        "to": _folder(wanted.to),
        "include": include,
        "verify": wanted.verify and not wanted.dry_run,
        "dry_run": wanted.dry_run,
    }
    if wanted.overwrite != "changed":
        arguments["overwrite"] = wanted.overwrite
    return _order(plane, actor, machine_id, Kind.RESTORE, arguments, unlock=wanted.unlock)


def order_inside(plane: Plane, actor: Actor, machine_id: str, wanted: InsideWanted) -> JobView:
    try:
        inside = _path(wanted.path).decode().lstrip("/")
    except UnicodeDecodeError as err:
        # Its command is told the path as a text.
        raise PathNotUnderstood(path=wanted.path) from err
    arguments = {"point": wanted.point, "to": _folder(wanted.to), "inside": inside}
    return _order(plane, actor, machine_id, Kind.RESTORE, arguments, unlock=wanted.unlock)


def order_vm_restore(
    plane: Plane, actor: Actor, machine_id: str, wanted: VmRestoreWanted
) -> JobView:
    arguments = {"vm": wanted.vm, **_said(wanted)}
    return _order(plane, actor, machine_id, Kind.RESTORE_VM, arguments, unlock=wanted.unlock)


def plan_vm_restore(
    plane: Plane, actor: Actor, machine_id: str, wanted: VmRestoreWanted
) -> Asked[VmPlan]:
    """What the order would do on its host, and what is in its way: the host itself looks."""
    said = _said(wanted)
    arguments_of(Kind.RESTORE_VM, {"vm": wanted.vm, **said})
    with plane.database.read() as db:
        look = looked_at(plane, db, actor, machine_id, unlock=wanted.unlock)
        require_listening(plane, look.looker)
    question = question_for(plane, look, Asking.VM_PLAN, VmPlanWanted(**said))
    pending = plane.desk.ask(look.looker.id, question)
    return Asked(plane.desk, pending, _plan_in_words, machine=look.looker.name)


def _said(wanted: VmRestoreWanted) -> dict[str, Any]:
    """What the host is told of it; a lock stays with the server."""
    return {one.name: value for one in fields(VmPlanWanted) if (value := getattr(wanted, one.name))}


def _plan_in_words(result: dict[str, Any]) -> VmPlan:
    """What is in the way, in the language of whoever asked."""
    plan = msgspec.convert(result, VmPlan)
    return replace(
        plan,
        obstacles=[*map(_in_words, plan.obstacles)],
        cautions=[*map(_in_words, plan.cautions)],
    )


def _in_words(found: Obstacle) -> Obstacle:
    told = retold({"code": found.code, "fields": found.fields}) or {}
    return replace(
        found,
        message=told.get("message", found.message),
        remedy=told.get("remedy", found.remedy),
    )


def _order(
    plane: Plane,
    actor: Actor,
    machine_id: str,
    kind: Kind,
    arguments: dict[str, Any],
    *,
    unlock: str | None,
) -> JobView:
    with plane.database.read() as db:
        look = looked_at(plane, db, actor, machine_id, unlock=unlock)
    told = {**arguments, **_through_another(plane, look)}
    return order_job(plane, actor, look.looker.id, kind=kind.value, arguments=told)


def _through_another(plane: Plane, look: Looked) -> dict[str, Any]:
    if look.key is None:
        return {}
    # The passphrase itself is in no job: its machine fetches it with this, once.
    return {"machine": look.machine.id, "ticket": plane.typed_keys.ticket(look.key)}


def _meant(wanted: RestoreWanted) -> tuple[str, list[str]]:
    """The point, with a path behind it where that one alone is meant, and patterns for all else."""
    paths = [_path(text) for text in wanted.paths]
    if len(paths) > MOST_PATHS:
        text = _("more than {most} files and folders are chosen one by one")
        raise RestoreNotUnderstood(reason=text.format(most=MOST_PATHS))
    if wanted.is_straight:
        return f"{wanted.point}:{_single(paths)}", []
    everything = not paths or _ROOT.encode() in paths
    return wanted.point, [] if everything else [pattern_of(path) for path in paths]


def _single(paths: list[bytes]) -> str:
    if len(paths) != 1:
        raise RestoreNotUnderstood(reason=_("one folder is to be chosen, and no more"))
    try:
        return paths[0].decode()
    except UnicodeDecodeError as err:
        reason = _("the folder's name is no text; restore it with the folders it lies in")
        raise RestoreNotUnderstood(reason=reason) from err


def _path(text: str) -> bytes:
    try:
        return path_of(text)
    except ValueError as err:
        raise PathNotUnderstood(path=text) from err


def _folder(to: str) -> str:
    if not to.startswith(_ROOT) or "\0" in to:
        raise RestoreNotUnderstood(reason=_("the folder to restore to is a whole path"))
    return to
