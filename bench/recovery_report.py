"""What recovery is asked, and how it is measured."""

from bench.page import RECOVERY
from bench.questions import Measure, Question
from bench.questions_report import Chapter

FLOOR = "boot of a local copy"
MIGRATE = "virsh migrate --copy-storage-all"
BY_LIBVIRT = "started by libvirt at once"
PLAN_OF = 10

QUESTIONS = (
    *(
        Question(
            work=work,
            what=f"{what}, to agent-up",
            unit="s",
            measure=Measure.SHARE,
            peer=FLOOR,
            target=target,
        )
        for work, what, target in (
            ("test", "test failover", 1.5),
            ("unplanned", "unplanned failover", 1.5),
            ("planned", "planned failover, cold, with the shut-down", None),
            ("failback", "failback, cold, with the shut-down", None),
        )
    ),
    Question(
        work="live",
        what="planned failover, live, whole command",
        unit="s",
        measure=Measure.SHARE,
        peer=MIGRATE,
    ),
    Question(work="live downtime", what="the guest stands still meanwhile", unit="s", target=2.0),
    Question(
        work="live bytes",
        what="carried by the link meanwhile",
        unit="MB",
        measure=Measure.SHARE,
        peer=MIGRATE,
    ),
    Question(
        work="reprotect",
        what="sent by reprotect for each byte written on either side",
        unit="B",
        target=1.5,
    ),
    Question(work="reprotect time", what="reprotect, whole command", unit="s"),
    Question(
        work="plan",
        what=f"plan of {PLAN_OF} machines in one group, all agents up",
        unit="s",
        measure=Measure.SHARE,
        peer=BY_LIBVIRT,
    ),
)
_HOW = """\
### How recovery is measured

Two libvirt hosts of one machine, in namespaces of their own, are each other's site; the acts are the commands a person types, and their whole time is taken, from the first word to the end of the process, which includes the start of Python. They end when the guest agent has answered.
*Boot of a local copy* is the floor: the same guest, its image copied beside, defined and started by libvirt on the same host, until its agent answers.
The guest is a small Linux whose processor is emulated, so a boot takes some seconds whatever starts it.
`virsh migrate --live --copy-storage-all` moves the same running guest with all its disks by libvirt alone; its link is the same virtual cable. The downtime is how long a counter in the guest stood still.
The plan is run without the machines' home, whose machines and processes were killed; its peer are as many guests of the same kind, all started at once by libvirt.
Of reprotect the bytes sent are held against what was written at the old home after its last point and by the guest at the other site.
"""
CHAPTER = Chapter(
    heading=RECOVERY, origin="Written by `./run bench recovery --write-docs`.", how=_HOW
)
