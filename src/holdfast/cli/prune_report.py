"""How a prune is told."""

from typing import TYPE_CHECKING

from holdfast.base.texts import _, ngettext
from holdfast.base.units import format_size
from holdfast.cli import json_events, shown

if TYPE_CHECKING:
    from holdfast.app.prune import PruneResult


def event_of(done: "PruneResult", *, dry_run: bool) -> json_events.PruneDone:
    plan = done.plan
    return json_events.PruneDone(
        dry_run=dry_run,
        points=plan.points,
        packs_kept=plan.packs_kept,
        packs_deleted=plan.packs_deleted,
        packs_repacked=plan.packs_repacked,
        packs_unnamed=plan.packs_unnamed,
        bytes_before=plan.bytes_before,
        bytes_needed=plan.bytes_needed,
        bytes_copied=plan.bytes_copied,
        bytes_freed=plan.bytes_freed,
        bytes_unused_after=plan.bytes_unused_after,
        packs_too_young=done.too_young,
    )


def lines_of(done: "PruneResult", *, dry_run: bool) -> list[str]:
    plan = done.plan
    rows = [
        (_("Before"), format_size(plan.bytes_before)),
        (_("Needed"), format_size(plan.bytes_needed)),
        (_("Copied"), format_size(plan.bytes_copied)),
        (_("Freed"), format_size(plan.bytes_freed)),
        (_("Unused and left"), format_size(plan.bytes_unused_after)),
    ]
    if plan.is_empty:
        verdict = _("There is nothing to free")
    elif dry_run:
        verdict = _("Dry run: nothing was changed")
    elif done.too_young:
        verdict = _("Packs deleted: {count}").format(count=done.deleted)
    else:
        verdict = _("Freed {size}").format(size=format_size(plan.bytes_freed))
    return [*shown.table(rows), *_kept(done.too_young), verdict]


def _kept(packs: int) -> list[str]:
    if not packs:
        return []
    sentence = ngettext(
        "{count} pack is too young for this immutable vault to let go: a later prune frees it",
        "{count} packs are too young for this immutable vault to let go: a later prune frees them",
        packs,
    )
    return [sentence.format(count=packs)]
