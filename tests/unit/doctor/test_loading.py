"""The catalogue is refused at the smallest doubt, with the place named."""

import pytest

from holdfast.doctor.loading import CatalogueBroken, assemble
from tests.unit.doctor import small


def _problems(text: str, *, functions: frozenset[str] | None = None) -> str:
    with pytest.raises(CatalogueBroken) as refused:
        assemble([("app.toml", text)], functions=functions)
    return str(refused.value)


def test_sound_catalogue_is_taken() -> None:
    catalogue = small.catalogue()

    assert list(catalogue.causes) == ["app.disk-full", "app.write-failed", "app.disk-low"]
    assert catalogue.owner("remedy", "app.look").title == "Example application"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[component]", "[component", "app.toml:"),
        ('severity = "critical"', 'severty = "critical"', "severty"),
        ('severity = "critical"', 'severity = "awful"', "severity awful"),
        ('explains = ["app.write-failed"]', 'explains = ["app.gone"]', "app.gone does not exist"),
        ('probes = ["app.volumes"]', 'probes = ["app.gone"]', "probe app.gone does not exist"),
        ('probes = ["app.volumes"]', "probes = []", "no remedy or no probe"),
        ('remedies = ["app.look"]', 'remedies = ["app.gone"]', "remedy app.gone does not exist"),
        ('event = ["app.write-failed"]', 'event = ["app.gone"]', "event app.gone does not exist"),
        ('["app.disk-freed"] }', '["app.gone"] }', "event app.gone does not exist"),
        ('below = "min_free"', 'below = "gone"', "param gone does not exist"),
        ('code = "HF-AP002"', 'code = "HF-AP001"', "code HF-AP001 belongs to app.disk-full"),
        ('risk = "destructive"', 'risk = "daring"', "risk daring"),
        ('family = "ours"', 'family = "theirs"', "family theirs"),
        ('match = ["space is back"]', 'match = ["(unclosed"]', "(unclosed"),
        ('message = ["job (has )?failed"', 'message = ["(?<=x)job"', "symptom app.job-failed"),
        ('[symptom."app.outer"]', '[symptom."other.outer"]', "does not begin with app."),
        (
            '{ event = ["app.write-failed"] }',
            '{ event = ["app.write-failed"], code = true }',
            "exactly one of code, event, fact",
        ),
        (', source = "003:L50", dated = 2020-08-27', "", "param"),
        (
            'causes = ["app.disk-low", "app.disk-full", "app.write-failed"]',
            'causes = ["app.disk-low", "app.write-failed"]',
            "cause app.disk-full: no symptom leads to it",
        ),
    ],
)
def test_defect_is_named(old: str, new: str, complaint: str) -> None:
    assert old in small.TOML

    problems = _problems(small.TOML.replace(old, new))

    assert complaint in problems


def test_causes_that_explain_each_other_are_refused() -> None:
    circle = 'check = { event = ["app.write-failed"] }\nexplains = ["app.disk-full"]'

    problems = _problems(small.TOML.replace('check = { event = ["app.write-failed"] }', circle))

    assert "circle" in problems


def test_component_or_entry_in_two_files_is_refused() -> None:
    with pytest.raises(CatalogueBroken) as refused:
        assemble([("one.toml", small.TOML), ("two.toml", small.TOML)])

    assert "component app is defined twice" in str(refused.value)
    assert "cause app.disk-low is defined twice" in str(refused.value)


def test_function_and_entry_belong_together() -> None:
    by_code = small.TOML.replace('{ event = ["app.write-failed"] }', "{ code = true }")

    without_function = _problems(by_code, functions=frozenset())
    without_entry = _problems(small.TOML, functions=frozenset(["app.nowhere"]))

    assert "cause app.write-failed: no function decides it" in without_function
    assert "function for app.nowhere: no such cause" in without_entry


def test_every_problem_is_listed_at_once() -> None:
    twice = small.TOML.replace("app.look", "app.gone", 1).replace("HF-AP002", "HF-AP001")

    assert len(_problems(twice).splitlines()) >= 2
