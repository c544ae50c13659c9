"""How a repair, or its plan, is told."""

from typing import TYPE_CHECKING

from holdfast.base.errors import Exit
from holdfast.base.texts import _
from holdfast.cli import json_events, shown
from holdfast.cli.check_report import tell_findings, tell_losses
from holdfast.cli.output import Output

if TYPE_CHECKING:
    from holdfast.app.repair import RepairOutcome
    from holdfast.vault.repair_plan import RepairPlan

_SHORT = 8


def tell(out: Output, outcome: "RepairOutcome", *, dry_run: bool) -> int:
    """What was found, what is lost, what was done; and the exit status that makes."""
    plan = outcome.plan
    tell_findings(out, plan.check.findings)
    tell_losses(out, plan.losses, unnamed=plan.losses_unnamed)
    out.done(_event(outcome, dry_run=dry_run), *_lines(outcome, dry_run=dry_run))
    if dry_run:
        return Exit.DAMAGE if plan.check.is_damaged or outcome.needs_config else Exit.FINE
    return Exit.WARNINGS if plan.losses else Exit.FINE


def _event(outcome: "RepairOutcome", *, dry_run: bool) -> json_events.RepairDone:
    plan, done = outcome.plan, outcome.done
    return json_events.RepairDone(
        dry_run=dry_run,
        new_config=outcome.needs_config,
        keys=len(plan.keys),
        index_files=len(plan.index_files),
        packs_adopted=len(plan.adopted),
        packs_missing=len(plan.missing),
        packs_salvaged=len(plan.salvaged),
        blobs_saved=plan.blobs_saved,
        blobs_lost=plan.blobs_lost,
        losses=len(plan.losses) + plan.losses_unnamed,
        new_points={str(old): str(new) for old, new in done.new_points.items()} if done else {},
        removed_points=list(done.removed_points) if done else [],
    )


def _lines(outcome: "RepairOutcome", *, dry_run: bool) -> list[str]:
    plan = outcome.plan
    if plan.is_empty and not outcome.needs_config:
        return [_("There is nothing to repair")]
    lines = shown.table([row for row in _rows(plan) if row[1] != "0"])
    if outcome.needs_config:
        lines.append(_("The config is lost: the vault gets a new one, with a new id"))
    if outcome.done is not None:
        for old, new in outcome.done.new_points.items():
            sentence = _("Recovery point {old} is now {new}")
            lines.append(sentence.format(old=old[:_SHORT], new=new[:_SHORT]))
    verdict = _("Dry run: nothing was changed") if dry_run else _("Repaired what could be repaired")
    return [*lines, verdict]


def _rows(plan: "RepairPlan") -> list[tuple[str, str]]:
    return [
        (_("Key files to set right"), f"{len(plan.keys):,}"),
        (_("Index files to replace"), f"{len(plan.index_files):,}"),
        (_("Packs to index again"), f"{len(plan.adopted):,}"),
        (_("Packs that are gone"), f"{len(plan.missing):,}"),
        (_("Packs to salvage"), f"{len(plan.salvaged):,}"),
        (_("Blobs saved"), f"{plan.blobs_saved:,}"),
        (_("Blobs lost"), f"{plan.blobs_lost:,}"),
        (_("Recovery points to write anew"), f"{len(plan.points) + len(plan.renamed_points):,}"),
        (_("Recovery points nobody can read"), f"{len(plan.dead_points):,}"),
    ]
