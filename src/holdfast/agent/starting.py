"""Which of the waiting jobs may start now: one for a source, so many at once, some under a lease."""

from collections.abc import Callable
from dataclasses import replace

from holdfast.agent import jobs
from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal
from holdfast.agent.leases import Leases
from holdfast.agent.running import Runner
from holdfast.app.vm_errors import VmNotProtected
from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.secret import Secret
from holdfast.fleet.jobs import State


def _no_key(_job: Job) -> Secret | None:
    """It works with what is saved on this machine."""
    return None


class Starter:
    """To be used from the thread that owns the runner."""

    def __init__(  # noqa: PLR0913  what it works with
        self,
        journal: Journal,
        runner: Runner,
        leases: Leases,
        *,
        words_of: Callable[[Job], list[str]],
        parallel: int,
        clock: Clock,
        key_of: Callable[[Job], Secret | None] = _no_key,
    ) -> None:
        self._journal = journal
        self._runner = runner
        self._leases = leases
        self._words_of = words_of
        self._key_of = key_of
        self._parallel = parallel
        self._clock = clock

    def due(self) -> list[Job]:
        now = self._clock.now()
        return [
            job
            for job in self._journal.open_jobs()
            if job.state is State.WAITING and (job.next_try is None or job.next_try <= now)
        ]

    def can_start_any(self) -> bool:
        return any(self._may_start(job) for job in self.due())

    def start_due(self) -> None:
        running, due = self._runner.running, self.due()
        self._leases.keep_only({job.id for job in (*running, *due)})
        for job in running:
            if _needs_lease(job):
                self._leases.keep_for_running(job.id, job.kind.value)
        sources = {job.source for job in running}
        for job in due:
            if len(self._runner.running) >= self._parallel:
                return
            if job.source not in sources and self._may_start(job):
                sources.add(job.source)
                self._start(job)

    def _may_start(self, job: Job) -> bool:
        if not _needs_lease(job):
            return True
        if self._leases.is_held(job.id, self._clock.now()):
            return True
        self._leases.want(job.id, job.kind.value)
        refusal = self._leases.refusal(job.id)
        if refusal is not None and (job.error or {}).get("message") != refusal:
            error = {"code": "lease-refused", "message": refusal, "retry": "later"}
            self._journal.save(replace(job, error=error))
        return False

    def _start(self, job: Job) -> None:
        try:
            words, passphrase = self._words_of(job), self._key_of(job)
        except VmNotProtected as err:
            # As a person wanted it: no failure, but to be seen.
            self._end(job, err, State.SKIPPED)
            return
        except HoldfastError as err:
            self._end(job, err, State.FAILED)
            return
        self._runner.start(job, words, passphrase=passphrase)

    def _end(self, job: Job, err: HoldfastError, state: State) -> None:
        error = {"code": err.code, "message": str(err), "remedy": err.advice, "retry": "never"}
        now = self._clock.now()
        self._journal.save(replace(job, state=state, error=error, ended_at=now))


def _needs_lease(job: Job) -> bool:
    return job.kind in jobs.NEED_LEASE and not job.arguments.get("dry_run")
