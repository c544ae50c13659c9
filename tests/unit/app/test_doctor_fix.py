"""Nothing is mended without consent, rights and proof."""

from dataclasses import replace

import pytest

from holdfast.app.config import Settings
from holdfast.app.doctor_acts import possible_here, start_command
from holdfast.app.doctor_errors import ConsentMissing
from holdfast.app.doctor_fix import Done, Plan, apply
from holdfast.app.wiring import Session
from holdfast.doctor.catalogue_types import Remedy, Step
from holdfast.doctor.mending import RunCommand, SetKey, StartService
from holdfast.doctor.model import Span, confirmed, ruled_out, unknown

SPAN = Span(artefact="a", first=1, last=1, excerpt="x")
PLAN = Plan(
    cause="waagent.not-running",
    component="waagent",
    verdict=confirmed(SPAN),
    remedy="test",
    described=Remedy(title="t", steps=(Step(text="s"),)),
    act=RunCommand(arguments=("false",)),
)


def _session() -> Session:
    return Session(settings=Settings(home="/nonexistent"), warn=lambda _: None)


def _risky(risk: str) -> Plan:
    return replace(PLAN, described=Remedy(title="t", steps=(Step(text="s"),), risk=risk))


@pytest.mark.parametrize(
    ("risk", "consent", "confirmed_as"),
    [
        ("disruptive", "safe", ""),
        ("destructive", "disruptive", PLAN.cause),
        ("destructive", "destructive", ""),
        ("destructive", "destructive", "waagent.other"),
    ],
)
def test_what_is_riskier_than_the_consent_is_refused(
    risk: str, consent: str, confirmed_as: str
) -> None:
    with pytest.raises(ConsentMissing) as refused:
        apply(_session(), [_risky(risk)], consent=consent, confirmed=confirmed_as)

    assert refused.value.exit_status == 6


def test_what_has_no_act_is_for_a_person() -> None:
    with pytest.raises(ConsentMissing):
        apply(_session(), [replace(PLAN, act=None)], consent="destructive")


def test_only_a_denial_counts_as_mended() -> None:
    assert Done(plan=PLAN, after=ruled_out(SPAN)).is_mended
    assert not Done(plan=PLAN, after=unknown("linux.services")).is_mended
    assert not Done(plan=PLAN, after=confirmed(SPAN)).is_mended


def test_service_without_manager_and_script_has_its_own_command() -> None:
    act = StartService(unit="no-such-one no-such-two", fallback=("agent", "-start"))

    command = start_command(act)

    assert command in {("agent", "-start"), ("systemctl", "start", "no-such-one")}


def test_other_acts_are_possible_everywhere() -> None:
    act = SetKey(file="/etc/x.conf", key="K", value="1")

    assert possible_here(act) == act
    assert possible_here(None) is None
