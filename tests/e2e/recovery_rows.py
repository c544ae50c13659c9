"""What hosts tell of replication and recovery, put into a running server's state for its pages."""

import base64
import math
import struct
import zlib
from datetime import datetime, timedelta
from typing import Any

import msgspec

from holdfast.app.control import drills, server_work
from holdfast.app.control.job_reports import report_job
from holdfast.app.control.plan_runs import begin_run
from holdfast.app.control.plane import Plane
from holdfast.app.control.recoveries import take_recovery
from holdfast.app.control.recovery_plans import PlanView, put_plan
from holdfast.app.control.replications import take_site
from holdfast.catalog import replication_samples
from holdfast.catalog.tables import Job, Replication
from holdfast.fleet.messages import JobReport
from holdfast.fleet.recovery_messages import (
    DrillRunTold,
    DrillTold,
    RecoveryReport,
    RecoveryTold,
    TrialTold,
)
from holdfast.fleet.replication_messages import ReplicaPointTold, ReplicaTold, SiteTold
from holdfast.recovery.checks.seen import CheckSeen
from holdfast.recovery.drills.drill import Drill, DrillRun, Objective
from holdfast.recovery.record import (
    Act,
    ActKind,
    Promoted,
    RecoveryRecord,
    Stage,
    StepNote,
    StepState,
)
from holdfast.recovery.trial import Part, TrialState
from holdfast.replication.status import Happening, Health
from holdfast.testing.planes import add_admin, add_machine, add_vault
from tests.unit.app.control.replication_ground import Ground, reason, uuid_of
from tests.unit.app.control.test_plan_runs import PLAN, driven
from tests.unit.recovery.trials import trial

_HOURS, _MINUTE = 24, 60
_POINTS = 20


class Live(Ground):
    """The same ground as units have, beside a server that runs, at the time it is."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.clock = plane.clock  # type: ignore[assignment]  # nothing here turns it
        self.vault = add_vault(plane)
        self.admin = add_admin(plane, "seeder").actor
        self.one = add_machine(plane, self.vault, "kvm1")
        self.two = add_machine(plane, self.vault, "kvm2")
        self.far = add_machine(plane, self.vault, "far")
        self.everybody_lives()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def fill(self) -> None:
        """Six machines, of which one is ill, one was failed over and one stands still."""
        names = ("db", "web", "mail", "files", "shop", "queue")
        self.site()
        self.vms(self.one, *names)
        for name in names:
            self.want(name)
        self.tell(*(self._report(name) for name in names))
        self._points(*names)
        self._samples()
        self._records()
        self._drills()

    def _report(self, name: str) -> Any:
        past = (
            Happening(
                what="resync", at=self.now - timedelta(hours=5), why="bitmap-lost", bytes=1 << 30
            ),
        )
        more: dict[str, Any] = {
            "cycles": 288,
            "queue_bytes": 3 << 20,
            "throughput": 2.5 * (1 << 20),
            "latest_at": self.now - timedelta(seconds=140),
            "happenings": past,
        }
        if name == "mail":
            ill = reason(self, "rpo-high", Health.CRITICAL, rpo_seconds="5400")
            slow = reason(
                self, "upload-slow", Health.WARNING, queue_bytes="5400000000", rate_bytes="100000"
            )
            more |= {"health": Health.CRITICAL, "reasons": (ill, slow), "queue_bytes": 5 << 30}
            more["latest_at"] = self.now - timedelta(minutes=90)
        return self.report(name, **more)

    def _points(self, *names: str) -> None:
        classes = ("application", "crash", "filesystem", "crash")
        replicas = [
            ReplicaTold(
                vm=uuid_of(name),
                name=name,
                source=self.one.id,
                points=_POINTS,
                bytes=9 << 30,
                newest_at=self.now,
                latest=[
                    ReplicaPointTold(
                        generation=f"{number:04x}" * 8,
                        taken_at=self.now - timedelta(minutes=30 * (_POINTS - number)),
                        consistency=classes[number % len(classes)],
                        tested_at=self.now if number == _POINTS - 1 else None,
                        is_spoiled=number == 3,
                    )
                    for number in range(_POINTS)
                ],
            )
            for name in names
        ]
        told = SiteTold(
            site="berlin", replicas=replicas, bytes_free=80 << 30, bytes_total=1000 << 30
        )
        take_site(self.plane, self.far.actor, told)

    def _samples(self) -> None:
        with self.plane.database.write() as db:
            rows = db.query(Replication).all()
            for row in rows:
                replication_samples.add(db, [self._sample(row.id, n) for n in range(_HOURS * 60)])

    def _sample(self, replication_id: str, number: int) -> dict[str, Any]:
        at = self.now.replace(second=0, microsecond=0) - timedelta(minutes=number + 1)
        return {
            "replication_id": replication_id,
            "at": at,
            "seconds": _MINUTE,
            "rpo_seconds": 180 + 120 * math.sin(number / 90),
            "queue_bytes": int((2 + math.sin(number / 200)) * (1 << 20)),
            "health": "normal",
            "is_heard": True,
        }

    def _records(self) -> None:
        where: dict[str, Any] = {"epoch": 1, "runs_at": self.far.id}
        promoted = Promoted(
            generation="0013" * 8,
            taken_at=self.now - timedelta(minutes=30),
            name="shop",
            uuid=uuid_of("shop"),
            folder="/srv/replicas/shop",
            disks=(),
        )
        shop = RecoveryRecord(
            vm=uuid_of("shop"), name="shop", stage=Stage.FAILED_OVER, promoted=promoted, **where
        )
        left = RecoveryRecord(vm=uuid_of("shop"), name="shop", **where)
        test = TrialTold(
            vm=uuid_of("web"),
            name="web-test-1",
            began_at=self.now,
            ends_at=self.now + timedelta(hours=2),
        )
        kept = Drill(
            vm=uuid_of("web"),
            name="web",
            schedule="sun 03:00",
            zone="Asia/Seoul",
            objective=Objective(rto=900),
            set_at=self.now,
        )
        drill = DrillTold(
            name="web",
            vm=kept.vm,
            schedule=kept.schedule,
            due_at=self.now + timedelta(days=2),
            kept=msgspec.to_builtins(kept),
        )
        records = [_told(shop), _told(self._standing_still())]
        told = RecoveryTold(at=self.now, records=records, trials=[test], drills=[drill])
        take_recovery(self.plane, self.far.actor, told)
        home = RecoveryTold(at=self.now, records=[_told(left)])
        take_recovery(self.plane, self.one.actor, home)

    def _standing_still(self) -> RecoveryRecord:
        began = self.now - timedelta(minutes=4)
        steps = (
            StepNote(
                name="room",
                state=StepState.DONE,
                began_at=began,
                ended_at=began + timedelta(seconds=2),
            ),
            StepNote(
                name="catch-up",
                state=StepState.DONE,
                began_at=began,
                ended_at=began + timedelta(seconds=41),
                said="0013",
            ),
            StepNote(
                name="hand-over",
                state=StepState.FAILED,
                began_at=began,
                ended_at=began + timedelta(minutes=3),
                said="files did not shut down within 3 minutes",
                error="recovery-source-cannot",
            ),
        )
        act = Act(id="a1", kind=ActKind.PLANNED, who="ada@far", begun_at=began, steps=steps)
        return RecoveryRecord(vm=uuid_of("files"), name="files", stage=Stage.FAILING_OVER, act=act)

    def _drills(self) -> None:
        for number in range(1, 7):
            self._bring("web", number, seconds_to_up=20.0 + 3 * number)
        self._bring("mail", 7, state=TrialState.FAILURE, message="agent: no answer within 600 s")
        self._bring("db", 8, objective=Objective(rto=10, rpo=600), picture=png())

    def _bring(
        self,
        name: str,
        number: int,
        *,
        objective: Objective | None = None,
        picture: bytes = b"",
        **changes: Any,
    ) -> None:
        begun = self.now - timedelta(days=9 - number)
        more: dict[str, Any] = {
            "vm": uuid_of(name),
            "name": name,
            "trial_name": f"{name}-test-1",
            "begun_at": begun,
            "newest_at": begun - timedelta(seconds=130),
            "ended_at": begun + timedelta(seconds=40),
            "cleaned_at": begun + timedelta(seconds=44),
            "checks": (
                CheckSeen(text="agent", kind="agent", is_good=True, seconds=12.5),
                CheckSeen(
                    text="tcp:22", kind="tcp", is_good=True, seconds=14, said="SSH-2.0-OpenSSH"
                ),
            ),
            "parts": (
                Part(name="prepared", seconds=0.4),
                Part(name="started", seconds=1.2),
                Part(name="checked", seconds=18.1),
                Part(name="cleaned", seconds=0.9),
            ),
        }
        run = DrillRun(
            trial=trial(number, **{**more, **changes}),
            objective=objective or Objective(),
            host="far",
        )
        told = DrillRunTold(
            digest=f"d{number}",
            run=msgspec.to_builtins(run),
            picture=base64.b64encode(picture).decode(),
        )
        drills.take_run(self.plane, self.far.actor, told)

    def plan(self, name: str = "our-shop") -> PlanView:
        text = PLAN.replace("name: shop", f"name: {name}\nrto: 30m")
        return put_plan(self.plane, self.admin, self.vault, text)

    def run_of(self, plan: PlanView, act: str = "test") -> str:
        """One that has begun, as far as it comes without its hosts."""
        job = begin_run(
            self.plane,
            self.admin,
            plan.id,
            act=act,
            source_is_down=act == "unplanned",
            keep=None,
        )
        server_work.begin(self.plane, job.id)
        driven(self, job.id)
        return job.id

    def asking_run(self, plan: PlanView) -> str:
        """One that has come to its question: db runs at the site."""
        run = self.run_of(plan, "unplanned")
        (job,) = [one for one in self.jobs("failover-unplanned") if _is_of(one, "db")]
        self.answer(job, vm="db")
        driven(self, run)
        return run

    def jobs(self, kind: str) -> list[Job]:
        with self.plane.database.read() as db:
            return db.query(Job).filter(Job.kind == kind).all()

    def answer(self, job: Job, **result: Any) -> None:
        """The host has done it."""
        self._end(job, state="done", result=result)

    def refuse(self, job: Job, **error: Any) -> None:
        """The host has something against it."""
        self._end(job, state="failed", error=error)

    def _end(self, job: Job, **more: Any) -> None:
        report = JobReport(
            number=job.report_number + 1,
            kind=job.kind,
            origin="person",
            source=job.source,
            created_at=job.created_at,
            arguments=job.arguments,
            **more,
        )
        hosts = (self.one, self.two, self.far)
        host = next(one for one in hosts if one.id == job.machine_id)
        report_job(self.plane, host.actor, job.id, report)


def _is_of(job: Job, name: str) -> bool:
    return job.arguments["vm"] in (name, uuid_of(name))


def _told(record: RecoveryRecord) -> RecoveryReport:
    return RecoveryReport(vm=record.vm, record=msgspec.to_builtins(record))


def png(width: int = 320, height: int = 200) -> bytes:
    """A grey picture with a light line, as of a screen with text on it."""
    row = b"\0" + b"\x28" * width
    light = b"\0" + b"\x28" * 20 + b"\xd0" * 140 + b"\x28" * (width - 160)
    rows = b"".join(light if number % 20 == 10 else row for number in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
