"""The JSON lines of recovery plans and their runs."""

from typing import Any

from holdfast.cli.json_base import Event


class PlanProblem(Event):
    """`plan check`: something in the file that is not understood, or makes no sense."""

    file: str
    line: int
    problem: str
    cure: str


class PlanChecked(Event):
    """`plan check`: the file was read; `problems` 0 says that it can be applied."""

    file: str
    # null: it could not be read.
    plan: str | None
    problems: int
    groups: int
    machines: int


class PlanApplied(Event):
    """`plan apply`: this host has the plan now."""

    plan: str
    # Whether it is another one than before.
    changed: bool
    groups: int
    machines: int


class PlanShown(Event):
    """`plan list` and `plan show`: a plan of this host, and its newest run."""

    plan: str
    description: str
    groups: int
    machines: int
    rto_objective_seconds: int | None
    # As docs/recovery-plan-format.md names its parts; null in a list.
    content: dict[str, Any] | None
    last_run: str | None
    # test, planned or unplanned.
    last_kind: str | None
    # succeeded, with-failures, stopped or cancelled; null: it goes on, or there was none.
    last_outcome: str | None
    last_at: str | None


class PlanMachine(Event):
    """`plan run --dry-run` and `plan check`: how a machine of the plan would be started now."""

    vm: str
    uuid: str | None
    point: str | None
    taken_at: str | None
    # As `failover --network` and `--address` take them.
    networks: list[str]
    addresses: list[str]
    # It runs here as a run wants it, and would be passed over.
    already: bool
    # The code of what keeps it from being started.
    error: str | None
    said: str


class PlanScript(Event):
    """`plan run --dry-run` and `plan check`: a script of this host that would not be run."""

    name: str
    # The code of why.
    error: str
    said: str


class PlanStep(Event):
    """A step of a run: as it would be done, is being done, or was done."""

    plan: str
    # null: of a dry run.
    run: str | None
    step: str
    # action, start, hold or clean-up.
    doing: str
    group: str
    machine: str | None
    # script, guest-script, webhook or confirm; null: it is no action.
    action: str | None
    # null: not begun; else running, done, already, failed or skipped.
    state: str | None
    began_at: str | None
    ended_at: str | None
    said: str
    error: str | None
    # Steps it waits for.
    after: list[str]
    found: dict[str, Any]


class PlanQuestion(Event):
    """A run waits for the answer of a person: see `plan confirm`."""

    plan: str
    run: str
    step: str
    question: str
    # What may be answered.
    answers: list[str]


class PlanRun(Event):
    """`plan run`, `resume`, `cancel` and `status`: a run as it is now."""

    plan: str
    run: str
    kind: str
    who: str
    begun_at: str
    ended_at: str | None
    # null: it has not come to its end.
    outcome: str | None
    # Whether a command drives it now.
    driven: bool
    failed: list[str]
    # For the whole, each group and each machine: name, own, since_begin, asking, objective, is_met.
    measured: dict[str, Any]
    # Once it has come to its end.
    report_json: str | None
    report_html: str | None


class PlanAnswered(Event):
    """`plan confirm`: the answer lies with the run."""

    plan: str
    run: str
    step: str
    answer: str
    # Whether a command drives the run, and so hears it now.
    driven: bool


class PlanRemoved(Event):
    """`plan remove`: the plan and its runs are gone."""

    plan: str
    runs: int


class PlanActed(Event):
    """The process of one step of a run: what a guest or a webhook has said."""

    said: str
