"""Jobs, replicated items, servers and activities of Site Recovery, from JSON."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.asr_facts import AzureVm, JobDone, JobError, ProtectedItem, SiteServer
from holdfast.doctor.facts import Fact, Record
from holdfast.doctor.readers import asr_json, windows_lines
from holdfast.doctor.readers.asr_json import Document, Node
from holdfast.doctor.readers.powershell_output import Row, lists
from holdfast.doctor.readers_registry import reader

JOB_KEYS = re.compile(
    r'"(?:serviceErrorDetails|providerErrorDetails|scenarioName|targetObjectName|jobType)"',
    re.IGNORECASE,
)
ITEM_KEYS = re.compile(
    r'"(?:replicationHealth|protectionState|healthErrors|testFailoverState)"', re.IGNORECASE
)
_SERVER_KEYS = re.compile(r'"(?:processServers|masterTargetServers)"', re.IGNORECASE)
_ACTIVITY_KEYS = re.compile(r'"(?:operationName|eventTimestamp)"', re.IGNORECASE)
_VM_KEYS = re.compile(r'"createOption"', re.IGNORECASE)
_HEALTH = {
    "healtherrors",
    "replicationhealtherrors",
    "failoverhealtherrors",
    "replicationhealtherror",
}


@reader("asr.jobs", accepts=lambda head, _: bool(JOB_KEYS.search(head)))
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
    said = _texts((service, provider), "message", "errormessage")
    causes = _texts((service, provider), "possiblecauses")
    if known:
        yield from told(
            JobError(
                span=text.span(*known, *said, *causes),
                codes=known,
                text=" ".join(said),
                causes=" ".join(causes),
                target=target,
                when=asr_json.moment(node.text("creationtimeutc", "creationtime")) or when,
                warning=node.text("errorlevel").lower() == "warning",
            )
        )


def _texts(nodes: Iterable[Node], *names: str) -> list[str]:
    return [word for one in nodes for name in names if (word := one.text(name))]


def told(error: JobError) -> Iterator[Fact]:
    """The error itself, and a record of it for the symptoms and for what all logs may say."""
    yield error
    said = " ".join(f"code {code}" for code in error.codes)
    yield Record(span=error.span, stream="asr.jobs", when=error.when, text=f"{said} {error.text}")


@reader("asr.items", accepts=lambda head, _: bool(ITEM_KEYS.search(head)))
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
    said = _texts((node,), "errormessage", "message", "summarymessage")
    if code:
        yield from told(
            JobError(
                span=text.span(code, *said),
                codes=(code,),
                text=" ".join(said),
                causes=node.text("possiblecauses"),
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


def _is_job_list(head: str, _file: str) -> bool:
    return bool(
        re.search(r"^[ \t>|]{0,40}JobType[ \t]{0,40}:", head, re.MULTILINE)
        and re.search(r"^[ \t>|]{0,40}State[ \t]{0,40}:", head, re.MULTILINE)
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
