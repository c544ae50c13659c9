"""Decide a cause: by its events, by a threshold, or by the function registered for it."""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from holdfast.doctor import facts as shared
from holdfast.doctor.catalogue_types import Cause, Event
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact, LogSeen
from holdfast.doctor.model import Verdict, confirmed, not_applicable, ruled_out, unknown
from holdfast.doctor.open_records import SHOWN, recent, spans, unended


@dataclass(frozen=True, slots=True)
class Params:
    """The thresholds of one cause, after overrides."""

    values: dict[str, float | int | str] = field(default_factory=dict)

    def number(self, name: str) -> float:
        return float(self.values[name])

    def text(self, name: str) -> str:
        return str(self.values[name])


Judge = Callable[[Facts, Params], Verdict]


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """A function with the kinds of facts without which it is not asked."""

    judge: Judge
    needs: tuple[type[Fact], ...] = ()
    needs_any: tuple[type[Fact], ...] = ()


CHECKS: dict[str, CodeCheck] = {}


def check(
    cause: str, *, needs: tuple[type[Fact], ...] = (), needs_any: tuple[type[Fact], ...] = ()
) -> Callable[[Judge], Judge]:
    """Register the function that decides a cause.

    When a needed kind of fact is absent the engine says UNKNOWN itself; the function may still say
    so with `unknown(probe, …)`. It sees facts and parameters and nothing else: no clock, no files,
    no language, so that a bundle gives the same answer as the live host.
    """

    def register(judge: Judge) -> Judge:
        if cause in CHECKS:
            raise ValueError(f"{cause} is decided twice")
        CHECKS[cause] = CodeCheck(judge, needs, needs_any)
        return judge

    return register


def decide(
    name: str, cause: Cause, *, facts: Facts, params: Params, events: dict[str, Event]
) -> Verdict:
    """The verdict on one cause."""
    if cause.platform and facts.platforms and cause.platform not in facts.platforms:
        return not_applicable()
    if cause.check.code:
        return _by_function(name, cause, facts, params)
    if cause.check.event:
        return _by_events(cause, facts, events)
    return _by_threshold(cause, facts, params)


def _by_function(name: str, cause: Cause, facts: Facts, params: Params) -> Verdict:
    code = CHECKS[name]
    lacking = any(not facts.of(kind) for kind in code.needs)
    none_of = code.needs_any and not any(facts.of(kind) for kind in code.needs_any)
    if lacking or none_of:
        return unknown(*_unread(cause, facts))
    return code.judge(facts, params)


def _by_events(cause: Cause, facts: Facts, events: dict[str, Event]) -> Verdict:
    rule = cause.check
    found = recent(facts, facts.event(*rule.event), days=rule.within_days)
    over = facts.event(*rule.unless_after)
    open_ones = unended(found, over)
    count = (
        sum(facts.count(name) for name in rule.event)
        if len(open_ones) == len(found)
        else len(open_ones)
    )
    if len(open_ones) >= rule.at_least:
        last = open_ones[-1]
        return confirmed(*spans(open_ones), count=count, **last.values)
    if found and over:
        return ruled_out(over[-1].span)
    return absent(facts, _streams(cause, facts, events)) or unknown(*_unread(cause, facts))


def _streams(cause: Cause, facts: Facts, events: dict[str, Event]) -> set[str]:
    """The logs whose silence could deny; an event of all logs is missed in the cause's own ones."""
    streams = {events[name].stream for name in cause.check.event}
    own = {name for name in cause.probes if facts.logs(name)}
    return (streams - {"*"}) | own if "*" in streams else streams


def absent(facts: Facts, streams: Iterable[str]) -> Verdict | None:
    """A denial by absence: only when every log in question is known to be whole."""
    streams = set(streams)
    if not streams or not all(facts.whole(stream) for stream in streams):
        return None
    logs: list[LogSeen] = [log for stream in sorted(streams) for log in facts.logs(stream)]
    return ruled_out(*(span for log in logs[:SHOWN] for span in (log.span, log.last)))


_COMPARE = {"below": operator.lt, "above": operator.gt}


def _by_threshold(cause: Cause, facts: Facts, params: Params) -> Verdict:
    rule = cause.check
    kind: type[Fact] = getattr(shared, rule.fact)
    known = [fact for fact in facts.of(kind) if _fits(fact, rule.where)]
    measured = [(fact, getattr(fact, rule.field)) for fact in known]
    measured = [(fact, value) for fact, value in measured if value is not None]
    if not measured:
        return unknown(*_unread(cause, facts))
    word = "below" if rule.below else "above"
    limit = params.number(rule.below or rule.above)
    bad = [(fact, value) for fact, value in measured if _COMPARE[word](value, limit)]
    if bad:
        fact, value = bad[0]
        return confirmed(
            *(one.span for one, _ in bad[:SHOWN]), value=value, limit=limit, **_named(fact)
        )
    return ruled_out(*(fact.span for fact, _ in measured[:SHOWN]), limit=limit)


def _fits(fact: Fact, where: dict[str, str]) -> bool:
    return all(str(getattr(fact, name)) == value for name, value in where.items())


def _named(fact: Fact) -> dict[str, object]:
    slots = [name for one in type(fact).__mro__ for name in getattr(one, "__slots__", ())]
    return {name: getattr(fact, name) for name in slots if name not in {"span", "value", "limit"}}


def _unread(cause: Cause, facts: Facts) -> list[str]:
    """The cause's probes that brought nothing; all of them when what they brought did not decide."""
    return [name for name in cause.probes if name not in facts.probes] or list(cause.probes)
