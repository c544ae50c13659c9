"""The report as JUnit XML: a suite is a component, a case is a cause."""

from collections import defaultdict
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from holdfast.doctor.report import document as shown
from holdfast.doctor.report.layout import printable

NAME = "holdfast doctor"
DOCTOR = "doctor"
COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def junit(report: shown.DoctorReport) -> str:
    suites: dict[str, list[ET.Element]] = defaultdict(list)
    for component, case in _cases(report):
        suites[component].append(case)
    root = ET.Element("testsuites", name=NAME)
    for component in sorted(suites):
        root.append(_suite(component, suites[component]))
    _count(root, list(root.iter("testcase")))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def _suite(component: str, cases: list[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", name=component)
    suite.extend(cases)
    _count(suite, cases)
    return suite


def _count(element: ET.Element, cases: list[ET.Element]) -> None:
    element.set("tests", str(len(cases)))
    for tag, attribute in COUNTED.items():
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))


def _cases(report: shown.DoctorReport) -> Iterator[tuple[str, ET.Element]]:
    for finding in (*report.findings, *report.consequences):
        yield finding.component, _found(finding)
    for finding in report.ruled_out:
        yield finding.component, _case(finding.cause, finding.component)
    for finding in report.unknown:
        wanted = "; ".join(f"{need.title}: {need.obtain}" for need in finding.needs)
        yield finding.component, _skipped(finding.cause, finding.component, wanted)
    for finding in report.suppressed:
        yield finding.component, _skipped(finding.cause, finding.component, "suppressed")
    crashed = {one.what for one in report.crashes}
    for named in report.not_applicable:
        if named.cause not in crashed:
            yield named.component, _skipped(named.cause, named.component, "not applicable")
    for crash in report.crashes:
        case = _case(crash.what, DOCTOR)
        ET.SubElement(case, "error", message=printable(crash.error))
        yield DOCTOR, case


def _found(finding: shown.FindingShown) -> ET.Element:
    """A failure; what is only worth knowing passes with its text."""
    case = _case(finding.cause, finding.component)
    text = "\n".join(_proof(finding))
    if finding.severity == "info":
        ET.SubElement(case, "system-out").text = f"{finding.sentence}\n{text}"
    else:
        failure = ET.SubElement(
            case, "failure", message=printable(finding.sentence), type=finding.severity
        )
        failure.text = text
    return case


def _proof(finding: shown.FindingShown) -> Iterator[str]:
    yield finding.code
    for place in finding.evidence:
        yield f"{printable(place.artefact)}:{place.first}"
        yield from (f"  {printable(line)}" for line in place.excerpt.split("\n"))
    for remedy in finding.remedies:
        yield remedy.title
        for step in remedy.steps:
            yield f"  {step.text}"
            yield from (f"    {line}" for line in step.type.splitlines())


def _skipped(cause: str, component: str, why: str) -> ET.Element:
    case = _case(cause, component)
    ET.SubElement(case, "skipped", message=why)
    return case


def _case(name: str, component: str) -> ET.Element:
    return ET.Element("testcase", name=printable(name), classname=component)
