"""A catalogue small enough to be read beside a test, and logs that fit it."""

from datetime import datetime

from holdfast.doctor.artefacts import Artefact, Missing, from_text
from holdfast.doctor.examination import Asked, Examination, Wishes, ask, examine
from holdfast.doctor.facts import Volume
from holdfast.doctor.loading import Catalogue, assemble
from holdfast.doctor.logs import levelled
from holdfast.doctor.model import Span
from holdfast.doctor.reading import Reading

TOML = r"""
[component]
id = "app"
title = "Example application"
family = "ours"

[probe."app.log"]
title = "The application's log"
obtain = "Take `/var/log/app.log`"
files = ["/var/log/app.log"]
bundle = ["var/log/app.log"]

[probe."app.volumes"]
title = "Room on the disks"
obtain = "Run `df -k`"
command = ["df", "-k"]

[event."app.disk-full"]
stream = "levelled"
match = ['no space left on (?P<device>\S+)']

[event."app.disk-freed"]
stream = "levelled"
match = ["space is back"]

[event."app.write-failed"]
stream = "levelled"
match = ["write failed"]

[event."app.retry"]
stream = "levelled"
match = ["write failed, trying again"]
benign = true

[cause."app.disk-full"]
code = "HF-AP001"
title = "The disk is full"
why = "Nothing can be written to a full disk."
found = "{device} was full {count} times"
severity = "critical"
probes = ["app.log"]
check = { event = ["app.disk-full"], unless_after = ["app.disk-freed"] }
explains = ["app.write-failed"]
remedies = ["app.free-space"]
refs = ["003:L44"]

[cause."app.write-failed"]
code = "HF-AP002"
title = "The application could not write"
why = "A write that fails ends the job."
found = "{count} writes failed"
probes = ["app.log"]
check = { event = ["app.write-failed"] }
remedies = ["app.look"]

[cause."app.disk-low"]
code = "HF-AP003"
title = "Little room is left"
why = "The next job may not fit."
found = "{path} has {value} bytes left, {limit} are needed"
severity = "warning"
probes = ["app.volumes"]
check = { fact = "Volume", where = { path = "/data" }, field = "free", below = "min_free" }
remedies = ["app.free-space"]
param.min_free = { value = 1000, unit = "bytes", source = "003:L50", dated = 2020-08-27 }

[symptom."app.job-failed"]
title = "The job failed"
meaning = "The last job ended without a result."
match = { code = ["0x80070070", "4711"], name = ["JobFailed"], message = ["job (has )?failed", "작업.{0,9}실패"] }
causes = ["app.disk-low", "app.disk-full", "app.write-failed"]
refs = ["003:L40"]

[symptom."app.outer"]
title = "The job ended with an error of its own"
match = { code = ["95001"] }
causes = ["app.write-failed"]

[remedy."app.free-space"]
title = "Make room"
risk = "destructive"
steps = [{ text = "See what takes the room", type = "du -x / | sort -n | tail", refs = ["003:L45"] }, { text = "Remove what nobody needs" }]
verify = "`df` shows room."
undo = "What is removed is gone."

[remedy."app.look"]
title = "Look into the log"
steps = [{ text = "Read the lines before the error" }]

[note."app.where-logs-are"]
title = "Where the logs are"
text = "The application writes `/var/log/app.log`."
match = { name = ["app.log"] }
refs = ["001:L135"]
"""

FULL = """\
2026-03-01 10:00:00 INFO job starts
2026-03-01 10:00:05 ERROR no space left on /dev/sdb1
2026-03-01 10:00:06 ERROR write failed
2026-03-01 10:00:07 INFO job ends
"""
RECOVERED = FULL + "2026-03-01 10:05:00 INFO space is back\n"
RETRIED = "2026-03-01 10:00:06 ERROR write failed, trying again\n2026-03-01 10:00:07 INFO fine\n"
QUIET = "2026-03-01 10:00:00 INFO job starts\n2026-03-01 10:00:07 INFO job ends\n"


STREAM = levelled.LEVELLED.stream


def catalogue(text: str = TOML) -> Catalogue:
    return assemble([("app.toml", text)])


def reading(*logs: str, whole: bool = False, now: datetime | None = None) -> Reading:
    read = Reading(catalogue(), now=now)
    read.read(from_text(f"app{n or ''}.log", log, whole=whole) for n, log in enumerate(logs))
    return read


def volume(free: int) -> Volume:
    span = Span(artefact="df", first=2, last=2, excerpt=f"/dev/sdb1 {free} /data")
    return Volume(span=span, path="/data", size=100_000, free=free)


class Logs:
    """A source of texts by name."""

    now: datetime | None = None

    def __init__(self, *, whole: bool = False, **logs: str) -> None:
        self._logs, self._whole = logs, whole

    def gather(self) -> list[Artefact | Missing]:
        return [from_text(f"{n}.log", log, whole=self._whole) for n, log in self._logs.items()]


def visit(log: str, *asked: str, wishes: Wishes | None = None, whole: bool = False) -> Examination:
    """One examination of one log."""
    questions: tuple[Asked, ...] = tuple(ask(catalogue(), one) for one in asked)
    return examine(catalogue(), [Logs(app=log, whole=whole)], asked=questions, wishes=wishes)
