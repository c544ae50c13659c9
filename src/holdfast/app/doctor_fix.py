"""Mend a cause: only what this very run has proven, only with consent, and look again after.

Each remedy's act is carried out by itself and noted in a journal with what was seen before and
after, so that somebody else can tell later what was done to the machine.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from holdfast.app.doctor import live_source
from holdfast.app.doctor_acts import carry_out, possible_here
from holdfast.app.doctor_errors import CauseNotProven, CauseUnknown, ConsentMissing, RightsMissing
from holdfast.app.json_lines import Object, append_object
from holdfast.app.wiring import Session
from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.catalogue_types import Remedy
from holdfast.doctor.checking import decide
from holdfast.doctor.diagnosis import params_of
from holdfast.doctor.loading import Catalogue, load
from holdfast.doctor.matching import causes_for
from holdfast.doctor.mending import Act, plan_act
from holdfast.doctor.model import State, Verdict
from holdfast.doctor.reading import Reading

JOURNAL = "fixes.jsonl"
_RISKS = ("safe", "disruptive", "destructive")
# A service that was just started needs a moment before it can be seen.
_LOOKS = 6
_PAUSE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What could be done about a proven cause; without an act only a person can do it."""

    cause: str
    component: str
    verdict: Verdict
    remedy: str
    described: Remedy
    act: Act | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A plan that was carried out, and what the same check says now."""

    plan: Plan
    after: Verdict

    @property
    def is_mended(self) -> bool:
        # What can no longer be seen is not thereby mended.
        return self.after.state is State.RULED_OUT


def plan(session: Session, asked: str) -> list[Plan]:
    """The remedies of a cause that is proven here and now, in the catalogue's order."""
    catalogue = load()
    names = causes_for(catalogue, asked)
    if not names:
        raise CauseUnknown(asked=asked)
    name = names[0]
    verdict = look(session, catalogue, name)
    if verdict.state is not State.CONFIRMED:
        raise CauseNotProven(cause=name, state=verdict.state.value)
    return [
        Plan(
            cause=name,
            component=catalogue.owner("remedy", remedy).id,
            verdict=verdict,
            remedy=remedy,
            described=catalogue.remedies[remedy],
            act=possible_here(plan_act(catalogue.remedies[remedy], verdict)),
        )
        for remedy in catalogue.causes[name].remedies
    ]


def look(session: Session, catalogue: Catalogue, name: str) -> Verdict:
    """Decide one cause from all that the check-up would know of its component."""
    cause = catalogue.causes[name]
    wanted = {probe: catalogue.probes[probe] for probe in _asked_for(catalogue, name)}
    source = live_source(session, wanted)
    reading = Reading(catalogue, now=source.now)
    reading.read(one for one in source.gather() if isinstance(one, Artefact))
    return decide(
        name,
        cause,
        facts=reading.facts,
        params=params_of(name, cause, {}),
        events=catalogue.events,
    )


def _asked_for(catalogue: Catalogue, name: str) -> list[str]:
    """What the causes of its component need: a check may weigh what a neighbour's probe brings."""
    owner = catalogue.owner("cause", name).id
    wanted = {
        probe
        for other, cause in catalogue.causes.items()
        if catalogue.owners["cause", other] == owner
        for probe in cause.probes
    }
    return [probe for probe in catalogue.probes if probe in wanted]


def apply(session: Session, plans: Sequence[Plan], *, consent: str, confirmed: str = "") -> Done:
    """Carry out the first plan that a program can, if its risk was consented to."""
    chosen = next((one for one in plans if one.act), None)
    if chosen is None or chosen.act is None:
        raise ConsentMissing(cause=plans[0].cause, risk="person")
    _require_consent(chosen, consent, confirmed)
    catalogue = load()
    # The plan may be old by now.
    before = look(session, catalogue, chosen.cause)
    if before.state is not State.CONFIRMED:
        raise CauseNotProven(cause=chosen.cause, state=before.state.value)
    said = carry_out(session, chosen.act)
    done = Done(plan=replace(chosen, verdict=before), after=_look_again(session, catalogue, chosen))
    _note(session, done, said)
    return done


def _require_consent(plan: Plan, consent: str, confirmed: str) -> None:
    risk = plan.described.risk
    if _RISKS.index(risk) > _RISKS.index(consent):
        raise ConsentMissing(cause=plan.cause, risk=risk)
    # Nobody destroys by habit: the cause has to be named once more.
    if risk == "destructive" and confirmed != plan.cause:
        raise ConsentMissing(cause=plan.cause, risk=risk)
    if os.geteuid() != 0:
        raise RightsMissing(cause=plan.cause)


def _look_again(session: Session, catalogue: Catalogue, plan: Plan) -> Verdict:
    verdict = look(session, catalogue, plan.cause)
    for _ in range(_LOOKS - 1):
        if verdict.state is State.RULED_OUT:
            break
        session.clock.sleep(_PAUSE)
        verdict = look(session, catalogue, plan.cause)
    return verdict


def _note(session: Session, done: Done, said: str) -> None:
    assert done.plan.act is not None
    line: Object = {
        "holdfast": "fix",
        "when": session.clock.now().isoformat(timespec="seconds"),
        "cause": done.plan.cause,
        "remedy": done.plan.remedy,
        "act": done.plan.act.shown,
        "said": said,
        "before": [span.excerpt for span in done.plan.verdict.evidence],
        "after": [done.after.state.value, *(span.excerpt for span in done.after.evidence)],
    }
    append_object(os.path.join(session.settings.home, JOURNAL), line)
