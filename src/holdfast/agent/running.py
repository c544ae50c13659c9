"""Jobs at work: each a process of its own, started, listened to, stopped, and found again.

What a process says goes to a file, and it says itself how it ended. So an agent that is killed in
the middle costs nothing: the process works on, and the next agent reads the file from where the
last one stopped.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from holdfast.agent import jobs
from holdfast.agent.hearing import Heard
from holdfast.agent.jobs import Job
from holdfast.agent.journal import Journal
from holdfast.agent.place import Place
from holdfast.agent.standing import process_of
from holdfast.app.processes import Launched, launch
from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.base.secret import Secret
from holdfast.fleet.jobs import State

_CHUNK = 1 << 18
_BETWEEN_SAVES = 5.0
_GRACE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How a job's process is started: the interpreter with our command, and what it may see."""

    words: Sequence[str]
    # The same without the gate, for questions that are no jobs.
    plain: Sequence[str]
    environment: Mapping[str, str]
    # What looks into recovery points and is talked with.
    answers: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class _Child:
    job: Job
    output: int
    heard: Heard = field(default_factory=Heard)
    # None: started by an agent before us, so that only /proc tells whether it lives.
    launched: Launched | None = None
    saved_at: float = float("-inf")
    kill_at: float | None = None
    overran: bool = False


class Runner:
    """The processes of this agent's jobs. To be used from one thread."""

    def __init__(
        self,
        place: Place,
        journal: Journal,
        program: Program,
        *,
        clock: Clock,
        on_end: Callable[[Job], None],
        grace: float = _GRACE,
    ) -> None:
        self._place = place
        self._journal = journal
        self._program = program
        self._clock = clock
        self._on_end = on_end
        self._grace = grace
        self._children: dict[str, _Child] = {}
        self._is_stopping = False

    @property
    def running(self) -> list[Job]:
        return [child.job for child in self._children.values()]

    def start(self, job: Job, words: Sequence[str], *, passphrase: Secret | None = None) -> None:
        """Begin a job; every step is on disk before the next one is done."""
        job = self._journal.save(jobs.started(job, self._clock.now()))
        path = self._output_of(job)
        try:
            output = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
            arguments = [*self._program.words, *words]
            launched = launch(arguments, environment=self._program.environment, output=output)
        except (OSError, HoldfastError) as err:
            self._could_not_start(job, err)
            return
        job = self._journal.save(replace(job, process=process_of(launched.pid)))
        self._children[job.id] = _Child(job=job, output=output, launched=launched)
        launched.open_gate(passphrase)

    def take_over(self, job: Job) -> None:
        """A job that a former agent left running: its process may still work, or have ended."""
        try:
            output = os.open(self._output_of(job), os.O_RDWR | os.O_APPEND)
        except OSError:
            # It had not come to its process yet.
            self._journal.save(jobs.interrupted(job, self._clock.now()))
            return
        heard = Heard(progress=job.progress, steps=job.steps, said_something=job.heard > 0)
        self._children[job.id] = _Child(job=job, output=output, heard=heard)

    def sweep(self) -> None:
        """Remove what jobs that are over said: an agent may be killed before it does."""
        kept = {self._output_of(child.job) for child in self._children.values()}
        for entry in os.scandir(self._place.outputs):
            if entry.path not in kept:
                os.remove(entry.path)

    def cancel(self, job: Job) -> None:
        """Ask the process to stop; the job ends when it has."""
        if child := self._children.get(job.id):
            child.job = self._journal.save(replace(child.job, is_cancelled=True))
            self._terminate(child)

    def stop(self) -> None:
        """The agent ends: every process is asked to stop, and its job to be done later."""
        self._is_stopping = True
        for child in self._children.values():
            self._terminate(child)

    def tick(self) -> None:
        """Hear what the processes said, see which have ended, kill those that would not."""
        for child in [*self._children.values()]:
            has_ended = self._has_ended(child)
            self._listen(child)
            if has_ended:
                self._end(child)
            else:
                self._save_sometimes(child)
                self._stop_overrun(child)
                self._kill_late(child)

    def _listen(self, child: _Child) -> None:
        while content := os.pread(child.output, _CHUNK, child.job.heard + child.heard.pending):
            now = self._clock.now()
            before = child.job.heard + child.heard.pending
            child.heard.take(content, now)
            heard = before + len(content) - child.heard.pending
            child.job = replace(child.job, heard=heard)

    def _save_sometimes(self, child: _Child) -> None:
        moment = self._clock.monotonic()
        heard, job = child.heard, child.job
        is_new = heard.fresh or (heard.progress, heard.steps) != (job.progress, job.steps)
        if is_new and moment - child.saved_at >= _BETWEEN_SAVES:
            child.saved_at = moment
            job = replace(child.job, progress=child.heard.progress, steps=child.heard.steps)
            child.job = self._journal.save(job, child.heard.fresh)
            child.heard.fresh = []

    def _end(self, child: _Child) -> None:
        now = self._clock.now()
        child.heard.finish(now)
        heard = child.heard
        job = replace(child.job, progress=heard.progress, steps=heard.steps)
        if self._is_to_be_done_again(child):
            job = jobs.interrupted(job, now)
        elif child.overran and heard.status != 0:
            job = jobs.ended(job, jobs.Ending(status=1, error=jobs.too_long(job)), now)
        else:
            job = jobs.ended(job, heard.ending, now)
        job = self._journal.save(job, heard.fresh)
        self._forget(child)
        if job.state.is_over:
            self._on_end(job)

    def _is_to_be_done_again(self, child: _Child) -> bool:
        """It was our own end that ended it, or it never began."""
        if child.job.is_cancelled:
            return False
        code = (child.heard.error or {}).get("code")
        was_stopped = child.heard.status is None or code == "interrupted"
        return (self._is_stopping and was_stopped) or not child.heard.said_something

    def _forget(self, child: _Child) -> None:
        del self._children[child.job.id]
        os.close(child.output)
        with contextlib.suppress(OSError):
            os.remove(self._output_of(child.job))

    def _could_not_start(self, job: Job, err: Exception) -> None:
        retry = err.retry.value if isinstance(err, HoldfastError) else "later"
        code = err.code if isinstance(err, HoldfastError) else "process-not-started"
        error = {"code": code, "message": str(err), "retry": retry}
        job = self._journal.save(
            jobs.ended(job, jobs.Ending(status=None, error=error), self._clock.now())
        )
        if job.state is State.FAILED:
            self._on_end(job)

    def _terminate(self, child: _Child) -> None:
        if child.kill_at is None:
            child.kill_at = self._clock.monotonic() + self._grace
            self._signal(child, signal.SIGTERM)

    def _stop_overrun(self, child: _Child) -> None:
        longest, begun = child.job.longest, child.job.tried_at
        if longest is None or begun is None or child.overran:
            return
        if (self._clock.now() - begun).total_seconds() > longest:
            child.overran = True
            self._terminate(child)

    def _kill_late(self, child: _Child) -> None:
        if child.kill_at is not None and self._clock.monotonic() >= child.kill_at:
            self._signal(child, signal.SIGKILL)

    def _signal(self, child: _Child, number: signal.Signals) -> None:
        process = child.job.process
        if process is None or self._has_ended(child):
            return
        with contextlib.suppress(ProcessLookupError):
            if number is signal.SIGKILL:
                # Its helpers as well; asked nicely, it stops them itself.
                os.killpg(process.pid, number)
            else:
                os.kill(process.pid, number)

    def _has_ended(self, child: _Child) -> bool:
        if child.launched is not None:
            return child.launched.has_ended()
        process = child.job.process
        return process is None or process_of(process.pid) != process

    def _output_of(self, job: Job) -> str:
        return os.path.join(self._place.outputs, f"{job.id}.{job.attempts}")
