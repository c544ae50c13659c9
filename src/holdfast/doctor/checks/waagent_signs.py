"""What the checks of the Azure Linux agent and of its backups have in common."""

import re
from collections.abc import Sequence

from holdfast.doctor.checking import absent
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact, Record
from holdfast.doctor.model import Span, Verdict, ruled_out

LOG = "linux.waagent.log"
MOST = 40
BACKUP = re.compile(r"RecoveryServices|VMSnapshot|SiteRecovery|MyBackupTest", re.IGNORECASE)


def every(facts: Sequence[Fact]) -> tuple[Span, ...]:
    """All that was found, of very much only the newest: where any one alone would prove it."""
    return tuple(dict.fromkeys(fact.span for fact in facts[-MOST:]))


def denied(facts: Facts, *streams: str, over: Sequence[Fact] = ()) -> Verdict | None:
    """A denial by what shows health, else by absence in logs that are known to be whole."""
    if over:
        return ruled_out(*every(over))
    return absent(facts, streams)


def numbers(version: str) -> tuple[int, ...]:
    """2.2.46-0ubuntu1 is 2.2.46; an epoch and what the distribution adds do not count."""
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def failures(facts: Facts, *, backup: bool) -> list[Fact]:
    """What last was said of each extension, where that is bad."""
    last: dict[str, Fact] = {}
    for record in facts.event("waagent.extension-error", "waagent.extension-ok"):
        last[record.values.get("name", "").lower()] = record
    good = {id(record) for record in facts.event("waagent.extension-ok")}
    bad = [one for name, one in last.items() if name and id(one) not in good]
    return [one for one in bad if bool(BACKUP.search(_name(one))) is backup]


def _name(fact: Fact) -> str:
    return fact.values.get("name", "") if isinstance(fact, Record) else ""
