"""Whether the source of a machine is gone, as far as a site can know. Pure.

Silence is all a site ever hears of a dead host, and of a cut line. Only a long one is taken for
the first; a short one, or one nobody listened to, is for a person to judge.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from holdfast.base.texts import _
from holdfast.base.units import format_duration
from holdfast.recovery.desk import Heard
from holdfast.recovery.record import Act
from holdfast.replication.site_orders import SourceTidings

# In the tidings of a source that has ended its replication and is not gone.
FAREWELL = "farewell"
# The source says how it is every two seconds.
SILENT_FOR = timedelta(seconds=60)
# One that shuts the machine down says nothing while it waits for an agent that hangs: a minute.
BUSY_FOR = timedelta(seconds=150)


class Silence(StrEnum):
    # It was heard just now; whether the machine runs there is in its tidings.
    SPEAKS = "speaks"
    # It is quiet, but not for long enough, or nobody listened.
    UNKNOWN = "unknown"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """`since` is None where nobody hears sources at this moment."""

    heard: Heard | None
    since: datetime | None


def judge_silence(
    listening: Listening, now: datetime, *, silent_for: timedelta = SILENT_FOR
) -> Silence:
    heard = listening.heard
    if heard is None or heard.tidings.facts.get(FAREWELL):
        # It is of before and says nothing, or has said that it will say nothing more.
        return Silence.UNKNOWN
    if heard.age(now) < silent_for:
        return Silence.SPEAKS
    if listening.since is None or now - listening.since < silent_for:
        return Silence.UNKNOWN
    return Silence.GONE


class Whether(StrEnum):
    """The machine runs at its source."""

    NO = "no"
    # A person may know.
    UNKNOWN = "unknown"
    # The source says so itself, to this very act: what was said before it did counts no more.
    YES = "yes"


def judge_whether_it_runs(
    act: Act, listening: Listening, now: datetime, *, has_answered: bool
) -> Whether:
    """`has_answered`: the source was asked to shut it down in this run of the act, and spoke."""
    told = listening.heard.tidings if listening.heard else None
    is_seen_running = told is not None and told.is_active is True
    if act.handed_over and not is_seen_running:
        return Whether.NO
    if told is not None and has_shut_down(told, act.id):
        return Whether.NO
    if judge_silence(listening, now, silent_for=silent_for(act)) is Silence.GONE:
        return Whether.NO
    return Whether.YES if has_answered and is_seen_running else Whether.UNKNOWN


def silent_for(act: Act) -> timedelta:
    """After how long silence says something: a source that was told to may wait for an agent."""
    return BUSY_FOR if act.has_asked else SILENT_FOR


def has_shut_down(told: SourceTidings, act: str) -> bool:
    """For that act, and nobody there starts it again."""
    return told.act == act and told.is_fenced and told.is_active is False


def said_of(heard: Heard | None, now: datetime) -> str:
    """For a person who has to judge."""
    if heard is None:
        return _("its host was never heard")
    age = format_duration(heard.age(now).total_seconds())
    if heard.tidings.is_active:
        return _("its host was heard {age} ago, and it ran there").format(age=age)
    if heard.tidings.is_active is False:
        return _("its host was heard {age} ago, and it was off there").format(age=age)
    return _("its host was heard {age} ago").format(age=age)
