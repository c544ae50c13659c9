"""The use case "repair": open even what has no config, plan, and do it unless it is a dry run."""

from dataclasses import dataclass

from holdfast.app import locking
from holdfast.app.check import told
from holdfast.app.opening import vault_storage
from holdfast.app.secret_sources import passphrase_of
from holdfast.app.wiring import Session, identity_here
from holdfast.files.report import OnProgress, no_progress
from holdfast.vault.check_subset import parse_subset
from holdfast.vault.repair import Repair
from holdfast.vault.repair_config import replace_config, unlock_without_config
from holdfast.vault.repair_plan import ALL_PARTS, Part, RepairPlan, RepairReport
from holdfast.vault.repair_planning import RepairOptions
from holdfast.vault.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`read_data` as for a check; `forget` removes the damaged originals of repaired points."""

    read_data: str | None = None
    forget: bool = False
    parts: frozenset[Part] = ALL_PARTS
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairOutcome:
    plan: RepairPlan
    # None in a dry run, or where there was nothing to do.
    done: RepairReport | None
    # The config was missing or damaged: a new one is needed, with another id.
    needs_config: bool


def repair(
    session: Session, wanted: Wanted, *, on_progress: OnProgress = no_progress
) -> RepairOutcome:
    options = RepairOptions(
        read=None if wanted.read_data is None else parse_subset(wanted.read_data),
        forget=wanted.forget,
        parts=wanted.parts,
    )
    storage = vault_storage(session)
    unlocked, has_config = unlock_without_config(storage, passphrase_of(session))
    # No cache: a repair believes nothing but the vault.
    repository = Repository(
        storage=storage, unlocked=unlocked, identity=identity_here(), clock=session.clock
    )
    if wanted.dry_run:
        plan = Repair(repository, options, on_bytes=told(on_progress)).plan
        return RepairOutcome(plan=plan, done=None, needs_config=not has_config)
    with locking.held(repository, exclusive=True) as lock:
        if not has_config:
            replace_config(storage, unlocked)
        work = Repair(repository, options, on_bytes=told(on_progress))
        done = None if work.plan.is_empty else work.apply(lock.check)
    return RepairOutcome(plan=work.plan, done=done, needs_config=not has_config)
