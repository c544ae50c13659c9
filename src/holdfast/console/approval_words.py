"""Approvals in words: which things the acts that need a second person are done to."""

from holdfast.app.control.approval_subjects import ApprovalSubject
from holdfast.app.control.approvals import ApprovalFacts
from holdfast.base.texts import N_, _, ngettext
from holdfast.console.shown import Fact

_KINDS = {
    "machine": N_("Machine"),
    "policy": N_("Policy"),
    "replication": N_("Replication"),
    "vault": N_("Vault"),
}
_PLACES = {
    "machine": "/machines/{}",
    "policy": "/policies/{}",
    "replication": "/replications/{}",
    "vault": "/vaults/{}",
}


def names_text(one: ApprovalFacts) -> str:
    """For a list; the vault itself stands there anyway."""
    return ", ".join(subject.name for subject in one.subjects if subject.kind != "vault")


def request_facts(one: ApprovalFacts) -> list[Fact]:
    """What it is done to, and behind it whatever the request says besides."""
    subjects = [subject for subject in one.subjects if subject.kind != "vault"]
    named = {subject.kind for subject in one.subjects}
    rest = [(name, str(value)) for name, value in one.request.items() if name not in named]
    return [*map(_fact, subjects), *rest]


def _fact(one: ApprovalSubject) -> Fact:
    name = one.name
    if one.points is not None:
        said = ngettext("{count} recovery point", "{count} recovery points", one.points)
        name = f"{name}, {said.format(count=one.points)}"
    return (_(_KINDS[one.kind]), name, _PLACES[one.kind].format(one.id))
