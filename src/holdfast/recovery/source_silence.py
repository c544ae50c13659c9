"""Whether the source of a machine is gone, as far as a site can know. Pure.

Silence is all a site ever hears of a dead host, and of a cut line. Only a long one is taken for
the first; a short one, or one nobody listened to, is for a person to judge.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from holdfast.recovery.desk import Heard

# In the tidings of a source that has ended its replication and is not gone.
FAREWELL = "farewell"
# The source says how it is every two seconds.
SILENT_FOR = timedelta(seconds=60)


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


def judge_silence(listening: Listening, now: datetime) -> Silence:
    heard = listening.heard
    if heard is None or heard.tidings.facts.get(FAREWELL):
        # It is of before and says nothing, or has said that it will say nothing more.
        return Silence.UNKNOWN
    if heard.age(now) < SILENT_FOR:
        return Silence.SPEAKS
    if listening.since is None or now - listening.since < SILENT_FOR:
        return Silence.UNKNOWN
    return Silence.GONE
