"""The report in SARIF 2.1.0: a rule is a cause, a result is its verdict, a region is its proof."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from holdfast.doctor.report import document as shown

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"critical": "error", "error": "error", "warning": "warning", "info": "note"}
_KINDS = {"ruled-out": "pass", "unknown": "open"}
Json = dict[str, Any]


def sarif(report: shown.DoctorReport, *, version: str) -> Json:
    judged = _findings(report)
    hidden = {one.cause for one in report.suppressed}
    rules = [*map(_rule, judged), *map(_named_rule, report.not_applicable)]
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    results = [*map(_result, judged), *map(_named_result, report.not_applicable)]
    run: Json = {
        "tool": {"driver": {"name": "holdfast doctor", "version": version, "rules": rules}},
        "language": report.language,
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "artifacts": [{"location": {"uri": _uri(one.name)}} for one in report.looked_at],
        "results": [
            {**one, "ruleIndex": index[one["ruleId"]], **_suppression(one["ruleId"] in hidden)}
            for one in results
        ],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _findings(report: shown.DoctorReport) -> list[shown.FindingShown]:
    groups = (report.findings, report.consequences, report.suppressed)
    return [one for group in (*groups, report.ruled_out, report.unknown) for one in group]


def _rule(finding: shown.FindingShown) -> Json:
    text = "\n".join(_help(finding.remedies))
    return {
        "id": finding.cause,
        "name": finding.code,
        "shortDescription": {"text": finding.title},
        "fullDescription": {"text": finding.why},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        **({"help": {"text": text}} if text else {}),
        "properties": {"component": finding.component, "severity": finding.severity},
    }


def _named_rule(cause: shown.CauseNamed) -> Json:
    return {
        "id": cause.cause,
        "name": cause.code,
        "shortDescription": {"text": cause.title},
        "properties": {"component": cause.component},
    }


def _help(remedies: Sequence[shown.RemedyShown]) -> Iterator[str]:
    for remedy in remedies:
        yield f"{remedy.title} ({remedy.risk})"
        for number, step in enumerate(remedy.steps, 1):
            yield f"{number}. {step.text}"
            yield from (f"   {line}" for line in step.type.splitlines())
        if remedy.verify:
            yield remedy.verify


def _result(finding: shown.FindingShown) -> Json:
    kind = _kind(finding)
    result: Json = {
        "ruleId": finding.cause,
        "kind": kind,
        # Only a failure has a level; the standard wants "none" for all others.
        "level": _LEVELS[finding.severity] if kind == "fail" else "none",
        "message": {"text": finding.sentence},
        "locations": [_location(place) for place in finding.evidence],
    }
    if finding.values:
        result["properties"] = {"values": finding.values}
    if finding.needs:
        wanted = [{"probe": need.probe, "obtain": need.obtain} for need in finding.needs]
        result.setdefault("properties", {})["needs"] = wanted
    return result


def _suppression(hidden: bool) -> Json:  # noqa: FBT001  its only argument
    return {"suppressions": [{"kind": "external"}]} if hidden else {}


def _kind(finding: shown.FindingShown) -> str:
    if finding.state in _KINDS:
        return _KINDS[finding.state]
    return "informational" if finding.severity == "info" else "fail"


def _named_result(cause: shown.CauseNamed) -> Json:
    return {
        "ruleId": cause.cause,
        "kind": "notApplicable",
        "level": "none",
        "message": {"text": cause.title},
    }


def _location(place: shown.Place) -> Json:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(place.artefact)},
            "region": {
                "startLine": place.first,
                "endLine": place.last,
                "snippet": {"text": place.excerpt},
            },
        }
    }


def _uri(name: str) -> str:
    """A name may be a Windows path or a command line."""
    return quote(name.replace("\\", "/"), safe="/")


def _invocation(report: shown.DoctorReport) -> Json:
    crashes = [
        {"level": "error", "message": {"text": f"{one.what}: {one.error}"}}
        for one in report.crashes
    ]
    return {
        "executionSuccessful": not crashes,
        "exitCode": report.exit_status,
        "toolExecutionNotifications": crashes,
    }
