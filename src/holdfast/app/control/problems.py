"""What is wrong, by its causes: one broken link is one problem, with all that hangs on it."""

from dataclasses import dataclass
from datetime import datetime

from holdfast.app.control import problem_texts as texts
from holdfast.app.control.errors import NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.problem_grouping import Group, Ref
from holdfast.app.control.survey import survey
from holdfast.base.texts import _
from holdfast.fleet.paging import Page, Window, make_page

# So many are named in a list; a problem that is looked at names all it has.
_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemView:
    # The same for as long as it is the same problem.
    id: str
    severity: str
    # The kind and the code of what it is called after.
    kind: str
    code: str
    sentence: str
    remedy: str
    # How much has it, in words; and the first of those, by name.
    affected: str
    machines: list[Ref]
    machine_count: int
    vms: list[Ref]
    vm_count: int
    vault_ids: list[str]
    # The alerts it is made of.
    alerts: list[str]
    since: datetime


def list_problems(plane: Plane, actor: Actor, window: Window) -> Page[ProblemView]:
    """Of the vaults the caller may look into; the gravest and widest first."""
    found = survey(plane, actor).problems
    # What was there a moment ago may be over: then the list goes on where that would have stood.
    begin = window.number() or 0
    rows = list(enumerate(found[begin : begin + window.one_more], begin + 1))
    return make_page(rows, window, key=lambda row: [str(row[0])], view=lambda row: view_of(row[1]))


def show_problem(plane: Plane, actor: Actor, problem_id: str) -> ProblemView:
    """With everything that has it."""
    for group in survey(plane, actor).problems:
        if group.root == problem_id:
            return view_of(group, named=None)
    raise NotThere(what=_("problem"), name=problem_id)


def view_of(group: Group, *, named: int | None = _NAMED) -> ProblemView:
    machines, vms, lead = group.machines, group.vms, group.lead
    return ProblemView(
        id=group.root,
        severity=group.severity.label,
        kind=lead.kind,
        code=lead.code,
        sentence=texts.sentence(group),
        remedy=texts.remedy(group),
        affected=texts.affected(group),
        machines=list(machines[:named]),
        machine_count=len(machines),
        vms=list(vms[:named]),
        vm_count=len(vms),
        vault_ids=sorted({one.vault_id for one in group.sightings}),
        alerts=sorted(one.alert_id for one in group.sightings if one.alert_id),
        since=group.since,
    )
