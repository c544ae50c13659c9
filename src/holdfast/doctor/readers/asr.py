"""Jobs, replicated items, servers and activities of Site Recovery, from JSON and portal text."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.asr_facts import AzureVm, JobDone, JobError, ProtectedItem, SiteServer
from holdfast.doctor.facts import Fact, Record
from holdfast.doctor.readers import asr_json, windows_lines
from holdfast.doctor.readers.asr_json import Document, Node
from holdfast.doctor.readers.powershell_output import Row, lists
from holdfast.doctor.readers_registry import reader

_CODE = r"(?:15\d{4}|17\d{4}|28\d{3}|70\d{3}|78\d{3}|9[57]\d{3}|539|806|80(?:38|61))"
_NUMBER = re.compile(rf"{_CODE}\Z")
_HEADING = (
    r"(?:(?:service |provider )?error ?(?:id|code)|provider ?error ?code|errorcode|errorid"
    r"|\bcode|오류 ?(?:id|코드)|공급자 오류 코드)"
)
# The portal puts the number on the heading's line or on the next one.
_SAID = re.compile(
    rf"^[\s>*|\"'-]*{_HEADING}[\"']?[ \t]*[:=]?[ \t]*[\"']?(?:\n[\s>*|]*)?(?P<code>{_CODE})\b",
    re.IGNORECASE | re.MULTILINE,
)
_JOB_KEYS = re.compile(
    r'"(?:serviceErrorDetails|providerErrorDetails|scenarioName|targetObjectName|jobType)"', re.IGNORECASE
)
_ITEM_KEYS = re.compile(
    r'"(?:replicationHealth|protectionState|healthErrors|testFailoverState)"', re.IGNORECASE
)
_SERVER_KEYS = re.compile(r'"(?:processServers|masterTargetServers)"', re.IGNORECASE)
_ACTIVITY_KEYS = re.compile(r'"(?:operationName|eventTimestamp)"', re.IGNORECASE)
_VM_KEYS = re.compile(r'"createOption"', re.IGNORECASE)
_AGENT_LOG = re.compile(r"^[ \t]*#~> ?\(", re.MULTILINE)
_HEALTH = {
    "healtherrors",
    "replicationhealtherrors",
    "failoverhealtherrors",
    "replicationhealtherror",
}
# An error's block in the portal is no longer than this.
_LINES = 30


@reader("asr.jobs", accepts=lambda head, _: bool(_JOB_KEYS.search(head)))
def read_jobs(artefact: Artefact) -> Iterator[Fact]:
    """Jobs with their errors; one that succeeded ends what failed before it."""
    text = asr_json.document(artefact)
    for node in text.nodes():
        if node.text("state") and node.values.keys() & {
            "scenarioname",
            "jobtype",
            "targetobjectname",
        }:
            yield from _job(text, node)
        elif node.values.keys() & {"serviceerrordetails", "providererrordetails"} and not _of_job(
            node
        ):
            yield from _error(text, node, None)


def _of_job(node: Node) -> bool:
    return "errors" in node.path


def _job(text: Document, node: Node) -> Iterator[Fact]:
    target = node.text("targetobjectname")
    when = asr_json.moment(node.text("endtime", "starttime"))
    for error in node.nodes("errors"):
        yield from _error(text, error, when, target)
    if node.text("state").lower() == "succeeded":
        kind = node.text("scenarioname", "jobtype", "displayname", "friendlyname")
        span = text.span(kind, node.text("state"), target)
        yield JobDone(span=span, kind=kind.lower(), target=target, when=when)


def _error(text: Document, node: Node, when: datetime | None, target: str = "") -> Iterator[Fact]:
    service = node.node("serviceerrordetails")
    provider = node.node("providererrordetails")
    codes = (service.text("code", "errorcode"), provider.text("errorcode", "code"))
    known = tuple(code for code in codes if code)
    said = [
        one.text(name)
        for one in (service, provider)
        for name in ("message", "errormessage", "possiblecauses", "recommendedaction")
    ]
    if known:
        yield from _told(
            JobError(
                span=text.span(*known, *said),
                codes=known,
                text=" ".join(word for word in said if word),
                target=target,
                when=asr_json.moment(node.text("creationtimeutc", "creationtime")) or when,
                warning=node.text("errorlevel").lower() == "warning",
            )
        )


def _told(error: JobError) -> Iterator[Fact]:
    """The error itself, and a record of it for the symptoms and for what all logs may say."""
    yield error
    said = " ".join(f"code {code}" for code in error.codes)
    yield Record(span=error.span, stream="asr.jobs", when=error.when, text=f"{said} {error.text}")


@reader("asr.items", accepts=lambda head, _: bool(_ITEM_KEYS.search(head)))
def read_items(artefact: Artefact) -> Iterator[Fact]:
    """Replicated machines, and what their health complains of now."""
    text = asr_json.document(artefact)
    for node in text.nodes():
        if node.text("protectionstate", "replicationhealth"):
            yield _item(text, node)
            for error in node.nodes(*_HEALTH):
                yield from _health(text, error, node.text("friendlyname", "name"))


def _item(text: Document, node: Node) -> ProtectedItem:
    details = node.node("providerspecificdetails")
    name = node.text("friendlyname", "name")
    state, health = node.text("protectionstate"), node.text("replicationhealth")
    discovery, system = details.text("discoverytype"), details.text("osversion", "ostype")
    test = node.text("testfailoverstate")
    return ProtectedItem(
        span=text.span(name or state, state, health, test, discovery, system),
        name=name,
        provider=(details.text("instancetype") or node.text("replicationprovider")).lower(),
        discovery=discovery.lower(),
        system=system,
        state=state.lower(),
        health=health.lower(),
        test_failover=test.lower(),
        agent=details.text("agentversion", "agentversionnumber"),
    )


def _health(text: Document, node: Node, target: str) -> Iterator[Fact]:
    code = node.text("errorcode", "code")
    said = [
        node.text(name) for name in ("errormessage", "message", "possiblecauses", "summarymessage")
    ]
    if code:
        yield from _told(
            JobError(
                span=text.span(code, *said),
                codes=(code,),
                text=" ".join(word for word in said if word),
                target=target,
                when=asr_json.moment(node.text("creationtimeutc")),
                standing=True,
                warning=node.text("errorlevel").lower() == "warning",
            )
        )


@reader("asr.fabric", accepts=lambda head, _: bool(_SERVER_KEYS.search(head)))
def read_servers(artefact: Artefact) -> Iterator[SiteServer]:
    text = asr_json.document(artefact)
    for node in text.nodes():
        for server in node.nodes("processservers"):
            yield _server(text, server, "process-server")
        for server in node.nodes("mastertargetservers"):
            yield _server(text, server, "master-target")


def _server(text: Document, node: Node, role: str) -> SiteServer:
    name = node.text("friendlyname", "name", "ipaddress", "id")
    stores = node.values.get("datastores")
    shown = ("lastheartbeat", "cpuload", "availablememoryinbytes", "availablespaceinbytes")
    return SiteServer(
        span=text.span(name, *(node.text(one) for one in shown)),
        role=role,
        name=name,
        heartbeat=asr_json.moment(node.text("lastheartbeat", "lastheartbeatutc")),
        cpu=_share(node.text("cpuload"), "100"),
        memory_used=_rest(
            _share(node.text("availablememoryinbytes"), node.text("totalmemoryinbytes"))
        ),
        space_free=_share(node.text("availablespaceinbytes"), node.text("totalspaceinbytes")),
        datastores=len(stores) if isinstance(stores, list) else None,
    )


def _share(part: str, total: str) -> float | None:
    try:
        return float(part) / float(total)
    except (ValueError, ZeroDivisionError):
        return None


def _rest(share: float | None) -> float | None:
    return None if share is None else 1 - share


@reader("asr.activity", accepts=lambda head, _: bool(_ACTIVITY_KEYS.search(head)))
def read_activities(artefact: Artefact) -> Iterator[JobDone]:
    """What was done to the resources; only what succeeded has happened."""
    text = asr_json.document(artefact)
    for node in text.nodes():
        operation = node.node("operationname").text("value") or node.text("operationname")
        status = node.node("status").text("value") or node.text("status")
        if "/" in operation and status.lower() in {"succeeded", "success"}:
            resource = node.text("resourceid", "resourceuri")
            when = node.text("eventtimestamp", "time")
            yield JobDone(
                span=text.span(operation, status, resource, when),
                kind=operation.lower(),
                target=resource.rsplit("/", 1)[-1],
                when=asr_json.moment(when),
            )


@reader("azure-vm.view", accepts=lambda head, _: bool(_VM_KEYS.search(head)))
def read_vm(artefact: Artefact) -> Iterator[AzureVm]:
    text = asr_json.document(artefact)
    for node in text.nodes():
        disk = node.node("storageprofile").node("osdisk")
        if created := disk.text("createoption"):
            name = node.text("name")
            yield AzureVm(span=text.span(created), name=name, created=created.lower())


def _is_portal_text(head: str, _file: str) -> bool:
    tidy = head.replace("\r", "")
    elsewhere = (_JOB_KEYS, _ITEM_KEYS, _AGENT_LOG)
    return bool(_SAID.search(tidy)) and not any(one.search(tidy) for one in elsewhere)


@reader("asr.jobs", accepts=_is_portal_text)
def read_portal_text(artefact: Artefact) -> Iterator[Fact]:
    """Errors copied from the portal; a provider's code right after the service's belongs to it."""
    text = windows_lines.read(artefact)
    found = list(_SAID.finditer(text.whole))
    starts = [text.line_at(one.start("code")) for one in found]
    groups: list[list[int]] = []
    for index, (before, now) in enumerate(pairwise([-_LINES, *starts])):
        provider = "provider" in found[index].group(0).lower() or "공급자" in found[index].group(0)
        if provider and groups and now - before < _LINES:
            groups[-1].append(index)
        else:
            groups.append([index])
    for place, group in enumerate(groups):
        first = text.line_at(found[group[0]].start())
        follows = groups[place + 1][0] if place + 1 < len(groups) else None
        end = text.line_at(found[follows].start()) - 1 if follows is not None else len(text.lines)
        last = max(starts[group[-1]], min(end, starts[group[-1]] + _LINES))
        while last > first and not text.lines[last - 1].strip():
            last -= 1
        span = text.span(first, last)
        said = " ".join(line.strip() for line in text.lines[first - 1 : last])
        codes = tuple(found[index]["code"] for index in group)
        yield from _told(JobError(span=span, codes=codes, text=said[:4000]))


def _is_job_list(head: str, _file: str) -> bool:
    return bool(
        re.search(r"^[\s>|]*JobType\s*:", head, re.MULTILINE)
        and re.search(r"^[\s>|]*State\s*:", head, re.MULTILINE)
    )


@reader("asr.jobs", accepts=_is_job_list)
def read_job_list(artefact: Artefact) -> Iterator[JobDone]:
    """`Get-AzRecoveryServicesAsrJob` as it prints by itself: names are never translated."""
    for row in lists(windows_lines.read(artefact)):
        if row.has("jobtype", "state") and row.get("state").lower() == "succeeded":
            yield _done(row)


def _done(row: Row) -> JobDone:
    return JobDone(
        span=row.span,
        kind=row.get("jobtype", "displayname").lower(),
        target=row.get("targetobjectname"),
        when=asr_json.moment(row.get("endtime", "starttime")),
    )
