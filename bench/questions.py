"""From single measurements to medians, ratios and verdicts: what virtual machines are asked. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

US = "holdfast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run of one contender; the value is in the unit of its work."""

    work: str
    contender: str
    round: int
    value: float
    peak_bytes: int = 0


class Measure(Enum):
    """What is held against the target."""

    # Their time divided by ours: how many times as fast we are. Must not be less.
    SPEED = "x speed"
    # Ours divided by theirs. Must not be more.
    SHARE = "x"
    # Our value itself. Must not be more.
    VALUE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A line of the table; without a target it is only shown."""

    work: str
    what: str
    unit: str
    measure: Measure = Measure.VALUE
    peer: str = ""
    target: float | None = None

    @property
    def target_text(self) -> str:
        if self.target is None:
            return "shown"
        sign = ">=" if self.measure is Measure.SPEED else "<="
        unit = self.unit if self.measure is Measure.VALUE else self.measure.value
        return f"{sign} {self.target:g} {unit}".rstrip()

    def holds(self, value: float) -> bool | None:
        if self.target is None:
            return None
        return value >= self.target if self.measure is Measure.SPEED else value <= self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Several runs of the same: the middle one, and how far the others were away."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(middle=median(values), low=min(values), high=max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question and what was measured; `judged` is of one value for each round."""

    question: Question
    ours: Spread | None
    theirs: Spread | None
    judged: Spread | None
    rounds: int
    rounds_met: int
    peaks: tuple[float, float]

    @property
    def is_met(self) -> bool | None:
        return None if self.judged is None else self.question.holds(self.judged.middle)

    @property
    def verdict(self) -> str:
        """Rounds that say otherwise are told: on a busy machine a verdict is worth that much."""
        if self.is_met is None:
            return "-"
        agreeing = self.rounds_met if self.is_met else self.rounds - self.rounds_met
        word = "yes" if self.is_met else "NO"
        return word if agreeing == self.rounds else f"{word} ({agreeing} of {self.rounds} rounds)"


def answers(questions: Iterable[Question], samples: Sequence[Sample]) -> list[Answer]:
    """Answer those of which anything was measured."""
    found = [_answer(question, samples) for question in questions]
    return [each for each in found if each.ours is not None or each.theirs is not None]


def _answer(question: Question, samples: Sequence[Sample]) -> Answer:
    ours = _by_round(samples, question.work, US)
    theirs = _by_round(samples, question.work, question.peer)
    # Neighbours in time: what else the machine had to do was about the same for both.
    values = [
        _judge(question.measure, ours[number].value, theirs.get(number))
        for number in sorted(ours)
        if question.measure is Measure.VALUE or number in theirs
    ]
    return Answer(
        question=question,
        ours=_spread(ours),
        theirs=_spread(theirs),
        judged=Spread.of(values) if values else None,
        rounds=len(values),
        rounds_met=sum(question.holds(value) is True for value in values),
        peaks=(_peak(ours), _peak(theirs)),
    )


def _judge(measure: Measure, ours: float, theirs: Sample | None) -> float:
    if measure is Measure.VALUE:
        return ours
    assert theirs is not None
    return theirs.value / ours if measure is Measure.SPEED else ours / theirs.value


def _by_round(samples: Sequence[Sample], work: str, contender: str) -> dict[int, Sample]:
    return {
        sample.round: sample
        for sample in samples
        if (sample.work, sample.contender) == (work, contender)
    }


def _spread(runs: dict[int, Sample]) -> Spread | None:
    return Spread.of([run.value for run in runs.values()]) if runs else None


def _peak(runs: dict[int, Sample]) -> float:
    return median(run.peak_bytes for run in runs.values()) if runs else 0.0
