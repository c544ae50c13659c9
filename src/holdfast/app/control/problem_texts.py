"""Problems in words: what is wrong, and what a person can do about it."""

from datetime import UTC, tzinfo

from holdfast.app.control.alert_texts import minute_text, sentence_of
from holdfast.app.control.problem_grouping import REPLICATION, Group, Sighting
from holdfast.base.texts import N_, _, ngettext
from holdfast.catalog.tables import Alert
from holdfast.replication import health_texts
from holdfast.replication.status import Health, Reason

_NAMED = 3
_FIGURE = "figure-"
_OF_SEVERAL = {
    "damage-found": N_("Stored data of {count} machines is damaged."),
    "replication-recovered": N_("Replication from {count} machines to {site} is well again."),
    "scratch-low": N_("The scratch folders of {count} machines have little room left."),
}


def sentence(group: Group, zone: tzinfo = UTC) -> str:
    """One sentence, without what has it under it; moments as clocks of the zone show them."""
    lead, count = group.lead, len(group.machines)
    if group.root.startswith("silent-together:"):
        text = _("{count} machines fell silent at about the same time, the first at {since}.")
        return text.format(count=count, since=minute_text(lead.since, zone))
    if group.root.startswith("silent:"):
        name = lead.machine.name if lead.machine else "?"
        return _("{machine} has not been heard of since {since}.").format(
            machine=name, since=minute_text(lead.since, zone)
        )
    if lead.kind == REPLICATION:
        return _of_replication(group)
    if group.root.startswith("cause:") and count > 1:
        text = _("Work of {count} machines fails for one reason: {reason}")
        return text.format(count=count, reason=lead.fields.get("reason") or lead.code)
    if lead.kind in _OF_SEVERAL and count > 1:
        site = lead.fields.get("site", "")
        return _(_OF_SEVERAL[lead.kind]).format(count=count, site=site)
    return sentence_of(_alert(lead), zone)


def remedy(group: Group) -> str:
    """What to do first; empty where the sentence says it all."""
    lead = group.lead
    if group.root.startswith("silent-together:"):
        return _("Look first at what they share: a switch, a host, the way to this server.")
    if group.root.startswith("silent:"):
        return _(
            "See whether it runs and reaches this server; there, `holdfast doctor` says what is "
            "in the way."
        )
    if lead.kind == REPLICATION:
        vm = lead.vms[0].name if lead.vms else ""
        return health_texts.remedy(_reason(lead), vm=vm, site=lead.fields.get("site", ""))
    return lead.fields.get("remedy", "")


def affected(group: Group) -> str:
    """How much has it: "3 machines, 12 virtual machines"."""
    machines, vms = len(group.machines), len(group.vms)
    parts = []
    if machines:
        parts.append(
            ngettext("{count} machine", "{count} machines", machines).format(count=machines)
        )
    if vms:
        many = ngettext("{count} virtual machine", "{count} virtual machines", vms)
        parts.append(many.format(count=vms))
    return ", ".join(parts)


def _of_replication(group: Group) -> str:
    lead = group.lead
    said, site = health_texts.sentence(_reason(lead)), lead.fields.get("site", "")
    if group.root.startswith("site:"):
        # How often it was tried is each machine's own; why it fails is what they share.
        said = lead.fields.get(_FIGURE + "sentence") or said
        return _("Replication to {site}: {sentence}").format(site=site, sentence=said)
    names = [vm.name for vm in group.vms]
    shown = ", ".join(names[:_NAMED]) + (f" +{len(names) - _NAMED}" if names[_NAMED:] else "")
    text = _("Replication of {vms} to {site}: {sentence}")
    return text.format(vms=shown, site=site, sentence=said)


def _reason(lead: Sighting) -> Reason:
    figures = {
        name.removeprefix(_FIGURE): value
        for name, value in lead.fields.items()
        if name.startswith(_FIGURE)
    }
    return Reason(code=lead.code, health=Health.WARNING, since=lead.since, figures=figures)


def _alert(lead: Sighting) -> Alert:
    return Alert(kind=lead.kind, fields=dict(lead.fields), first_at=lead.since)
