"""The report as programs read it: JSON, SARIF, JUnit."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import pytest

from holdfast.doctor.diagnosis import diagnose
from holdfast.doctor.examination import Examination, Wishes
from holdfast.doctor.report import document as shown
from holdfast.doctor.report.building import build
from holdfast.doctor.report.explaining import explain
from holdfast.doctor.report.junit import junit
from holdfast.doctor.report.sarif import sarif
from tests.unit.doctor import small
from tests.unit.doctor.small import FULL, QUIET, RECOVERED, visit

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs" / "reference" / "doctor.schema.json").read_text("utf-8")
)
VISITS = {
    "found": visit(FULL, "95001: 0x80070070"),
    "ruled out": visit(RECOVERED, "4711"),
    "unknown": visit(QUIET, "4711"),
    "not in the catalogue": visit(QUIET, "nonsense"),
    "suppressed": visit(FULL, wishes=Wishes(suppressed={"app.disk-full"})),
    "empty": visit(""),
}


def _json(examination: Examination) -> Any:
    return json.loads(msgspec.json.encode(build(small.catalogue(), examination)))


@pytest.mark.parametrize("examination", VISITS.values(), ids=VISITS)
def test_json_fits_its_schema(examination: Examination) -> None:
    jsonschema.validate(_json(examination), SCHEMA)


@pytest.mark.parametrize("asked", ["4711", "HF-AP001", "app.log", "nonsense"])
def test_json_of_an_explanation_fits_its_schema(asked: str) -> None:
    said = json.loads(msgspec.json.encode(explain(small.catalogue(), asked)))

    assert said["schema"] == "holdfast.doctor-explanation/1"
    jsonschema.validate(said, SCHEMA)


def test_json_has_ids_values_and_text() -> None:
    said = _json(VISITS["found"])

    (root,) = said["findings"]
    assert (said["schema"], said["root"]) == ("holdfast.doctor/1", "app.disk-full")
    assert root["values"] == {"count": 1, "device": "/dev/sdb1"}
    assert root["sentence"] == "/dev/sdb1 was full 1 times"
    assert root["evidence"][0]["first"] == 2
    assert said["exit_status"] == 1


def test_same_artefacts_give_the_same_bytes() -> None:
    once, again = (
        msgspec.json.encode(build(small.catalogue(), visit(FULL, "4711"))) for _ in range(2)
    )

    assert once == again


def _sarif(examination: Examination) -> Any:
    return sarif(build(small.catalogue(), examination), version="1.2.3")


# The parts of the SARIF 2.1.0 schema that a report of ours uses.
_PLACE = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "properties": {"uri": {"type": "string", "format": "uri-reference"}}
                },
                "region": {
                    "required": ["startLine", "endLine"],
                    "properties": {"startLine": {"minimum": 1}, "endLine": {"minimum": 1}},
                },
            },
        }
    },
}
_SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {"driver": {"required": ["name"]}},
                    },
                    "results": {
                        "items": {
                            "required": ["message", "ruleId", "ruleIndex", "kind", "level"],
                            "properties": {
                                "kind": {
                                    "enum": [
                                        "notApplicable",
                                        "pass",
                                        "fail",
                                        "review",
                                        "open",
                                        "informational",
                                    ]
                                },
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"required": ["text"]},
                                "locations": {"items": _PLACE},
                            },
                            "if": {"properties": {"kind": {"not": {"const": "fail"}}}},
                            "then": {"properties": {"level": {"const": "none"}}},
                        }
                    },
                },
            }
        },
    },
}


@pytest.mark.parametrize("examination", VISITS.values(), ids=VISITS)
def test_sarif_is_sound(examination: Examination) -> None:
    said = _sarif(examination)

    jsonschema.validate(said, _SARIF)
    (run,) = said["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_kinds_follow_the_verdicts() -> None:
    by_visit = {
        name: {one["ruleId"]: one["kind"] for one in _sarif(seen)["runs"][0]["results"]}
        for name, seen in VISITS.items()
    }

    assert by_visit["found"] == {
        "app.disk-full": "fail",
        "app.write-failed": "fail",
        "app.disk-low": "open",
    }
    assert by_visit["ruled out"]["app.disk-full"] == "pass"


def test_sarif_result_has_region_remedy_and_suppression() -> None:
    (found, *_) = _sarif(VISITS["found"])["runs"][0]["results"]
    region = found["locations"][0]["physicalLocation"]["region"]
    suppressed = {
        one["ruleId"]: "suppressions" in one
        for one in _sarif(VISITS["suppressed"])["runs"][0]["results"]
    }

    assert region["startLine"] == region["endLine"] == 2
    assert region["snippet"]["text"].endswith("/dev/sdb1")
    rule = _sarif(VISITS["found"])["runs"][0]["tool"]["driver"]["rules"][0]
    assert "du -x / | sort -n | tail" in rule["help"]["text"]
    assert suppressed == {"app.disk-full": True, "app.write-failed": False}


def _junit(examination: Examination) -> ET.Element:
    return ET.fromstring(junit(build(small.catalogue(), examination)))


@pytest.mark.parametrize("examination", VISITS.values(), ids=VISITS)
def test_junit_counts_its_cases(examination: Examination) -> None:
    root = _junit(examination)

    for element in (root, *root.iter("testsuite")):
        cases = list(element.iter("testcase"))
        assert element.get("tests") == str(len(cases))
        for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert element.get(name) == str(sum(case.find(tag) is not None for case in cases))


def test_junit_case_is_a_cause_and_its_failure_holds_the_proof() -> None:
    root = _junit(VISITS["found"])

    cases = {case.get("name"): case for case in root.iter("testcase")}
    failure = cases["app.disk-full"].find("failure")
    assert failure is not None
    assert failure.get("message") == "/dev/sdb1 was full 1 times"
    assert "app.log:2" in (failure.text or "")
    skipped = cases["app.disk-low"].find("skipped")
    assert skipped is not None
    assert "df -k" in (skipped.get("message") or "")


def test_log_with_control_characters_is_still_xml() -> None:
    _junit(visit("2026-03-01 10:00:05 ERROR write failed \x00\x1b\ufffe]]>\n"))


def test_crash_is_an_error_and_a_notification() -> None:
    catalogue, reading = small.catalogue(), small.reading(FULL)
    reading.crashed.append(("app.log", RuntimeError("by design")))
    report = build(catalogue, Examination(report=diagnose(catalogue, reading), wishes=Wishes()))

    (case,) = [
        one
        for one in ET.fromstring(junit(report)).iter("testcase")
        if one.find("error") is not None
    ]
    run = sarif(report, version="1")["runs"][0]["invocations"][0]

    assert case.get("name") == "app.log"
    assert not run["executionSuccessful"]
    assert "by design" in run["toolExecutionNotifications"][0]["message"]["text"]


def test_documented_schema_name_is_the_one_that_is_said() -> None:
    assert _json(VISITS["empty"])["schema"] == shown.SCHEMA
