"""What can be wrong with a plan, and with its runs."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class PlanWrong(HoldfastError):
    code = "plan-wrong"
    sentence = N_("{file}, line {line}: {problem}")
    remedy = N_("{cure} `holdfast plan check {file}` reads it again, and names all there is.")
    exit_status = Exit.USAGE


class PlanFileUnreadable(HoldfastError):
    code = "plan-file-unreadable"
    sentence = N_("The plan {file} cannot be read: {reason}")
    remedy = N_("Give the path of a plan as docs/recovery-plan-format.md describes it.")
    exit_status = Exit.USAGE


class PlanUnknown(HoldfastError):
    code = "plan-unknown"
    sentence = N_("This host has no plan {name}")
    remedy = N_("`holdfast plan list` names those it has; `holdfast plan apply FILE` takes one in.")
    exit_status = Exit.USAGE


class PlanRunUnknown(HoldfastError):
    code = "plan-run-unknown"
    sentence = N_("There is no run {run} of a plan on this host")
    remedy = N_("`holdfast plan status` names the runs there are.")
    exit_status = Exit.USAGE


class PlanNeverRan(HoldfastError):
    code = "plan-never-ran"
    sentence = N_("The plan {name} was never run on this host")
    remedy = N_("`holdfast plan run {name} --test` tries it beside the replication that goes on.")
    exit_status = Exit.USAGE


class PlanRuns(HoldfastError):
    code = "plan-runs"
    sentence = N_("The plan {name} is being run by process {pid}: run {run}")
    remedy = N_(
        "`holdfast plan status {name} --watch` follows it; `holdfast plan cancel {name}` ends it."
    )
    exit_status = Exit.LOCKED


class PlanRunUnderWay(HoldfastError):
    code = "plan-run-under-way"
    sentence = N_("The {kind} run {run} of the plan {name} has not come to its end")
    remedy = N_(
        "`holdfast plan resume {name}` goes on with it; `holdfast plan cancel {name}` gives it up."
    )
    exit_status = Exit.DECIDE


class PlanRunEnded(HoldfastError):
    code = "plan-run-ended"
    sentence = N_("The run {run} of the plan {name} has ended: {outcome}")
    remedy = N_("There is nothing to go on with; `holdfast plan run {name}` begins a new run.")
    exit_status = Exit.USAGE


class PlanAsksNothing(HoldfastError):
    code = "plan-asks-nothing"
    sentence = N_("The run {run} of the plan {name} does not ask about {step}")
    remedy = N_("`holdfast plan status {name}` shows what it asks, if anything.")
    exit_status = Exit.USAGE


class PlanAsksMore(HoldfastError):
    code = "plan-asks-more"
    sentence = N_("The run {run} of the plan {name} asks more than one thing: {steps}")
    remedy = N_("Name one: `holdfast plan confirm {name} --step STEP`.")
    exit_status = Exit.USAGE


class PlanAnswerUnfit(HoldfastError):
    code = "plan-answer-unfit"
    sentence = N_("'{answer}' is no answer to what {step} asks")
    remedy = N_("It takes one of: {answers}.")
    exit_status = Exit.USAGE


class PlanDidNotSucceed(HoldfastError):
    code = "plan-did-not-succeed"
    sentence = N_("The run {run} of the plan {name} ended: {outcome}; {steps}")
    remedy = N_(
        "`holdfast plan status {name}` says what each step failed with. Put it right, then "
        "`holdfast plan resume {name}`: what is done stays done."
    )


class PlanTestDidNotSucceed(HoldfastError):
    code = "plan-test-did-not-succeed"
    sentence = N_("The test {run} of the plan {name} did not pass: {steps}")
    remedy = N_(
        "Its report {report} says what each step failed with. Put it right, and test again: what "
        "the test had started is cleaned up."
    )


class PlanTestNotCleaned(HoldfastError):
    code = "plan-test-not-cleaned"
    sentence = N_("What the test {run} of the plan {name} had started is not gone: {steps}")
    remedy = N_(
        "`holdfast plan resume {name}` cleans up again. A test counts only when it was cleaned up."
    )


class PlanHasRuns(HoldfastError):
    code = "plan-has-open-run"
    sentence = N_("The plan {name} has a run that has not come to its end: {run}")
    remedy = N_("`holdfast plan cancel {name}` gives it up; then the plan can be removed.")


class PlanRecordUnreadable(HoldfastError):
    code = "plan-run-unreadable"
    sentence = N_("The progress of a plan's run does not read: {path}: {reason}")
    remedy = N_(
        "It says what was done already. See with `holdfast failover status` which machines run "
        "here; a new run of the plan leaves those alone that do."
    )


class PlanActionInterrupted(HoldfastError):
    code = "plan-action-interrupted"
    sentence = N_("It was interrupted, and nobody knows how far it came")
    remedy = N_(
        "Look, then `holdfast plan confirm` with `--again`, `--go-on` or `--stop`. An action that "
        "bears being done twice may say `repeatable: true`."
    )


class PlanActionFailed(HoldfastError):
    code = "plan-action-failed"
    sentence = N_("The action ended with status {status}: {said}")
    remedy = N_("What it printed is kept with the run; put right what it says, and resume the run.")


class PlanStepTooSlow(HoldfastError):
    code = "plan-step-too-slow"
    sentence = N_("{step} took longer than {seconds} s")
    remedy = N_("It was ended. Give it more with `timeout:`, or find out what it waits for.")


class PlanAnsweredNo(HoldfastError):
    code = "plan-answered-no"
    sentence = N_("{step} was answered with no")
    remedy = N_("Do what was to be confirmed, then `holdfast plan resume`: it asks again.")


class PlanMachineNotFound(HoldfastError):
    code = "plan-machine-not-here"
    sentence = N_("The plan names {vm}, of which this host has no replica")
    remedy = N_(
        "Run the plan on the host that has its replica, replicate the machine to this one, or take "
        "it out of the plan."
    )


class PlanMachineTwice(HoldfastError):
    """By its name and by its UUID: only where its replica is can it be seen."""

    code = "plan-machine-twice"
    sentence = N_("The plan names one machine twice: {vm} and {other}")
    remedy = N_("A machine is in one group, once: take one of the two out of the plan.")
    exit_status = Exit.USAGE


class PlanContextTooLarge(HoldfastError):
    code = "plan-context-too-large"
    sentence = N_("What is told to a script in the guest of {vm} is too much: {bytes} bytes")
    remedy = N_("Divide the plan, or run the script on this host: it takes any amount.")


class WebhookRefused(HoldfastError):
    code = "plan-webhook-refused"
    sentence = N_("The webhook {address} answered {status}: {said}")
    remedy = N_("See what it wants; the run goes on with `holdfast plan resume`.")


class WebhookSilent(HoldfastError):
    code = "plan-webhook-silent"
    sentence = N_("The webhook {address} did not answer: {reason}")
    remedy = N_(
        "See whether it can be reached from here. It is sent again with the same "
        "Idempotency-Key when the run is resumed."
    )


class PlanScriptMissing(HoldfastError):
    code = "plan-script-missing"
    sentence = N_("The host {host} has no script {name} for plans")
    remedy = N_(
        "As its administrator, on that host: `install -D -m 0755 SCRIPT {folder}/{name}`. A plan "
        "only ever names it; what it does is said there."
    )
    exit_status = Exit.USAGE


class PlanScriptOpen(HoldfastError):
    """Somebody else than its administrator could change what the host does."""

    code = "plan-script-open"
    sentence = N_("The script {path} is not run: {reason}")
    remedy = N_(
        "It and the folders above it must belong to root and be writable for nobody else: "
        "`chown root {path}; chmod 0755 {path}`."
    )
    exit_status = Exit.USAGE


class PlanScriptElsewhere(HoldfastError):
    code = "plan-script-elsewhere"
    sentence = N_("The script {name} is to run on {host}, which this host is not")
    remedy = N_(
        "Run the plan by the server, which reaches all hosts, or on that host; or run it there by "
        "hand and answer with `holdfast plan confirm --go-on`."
    )
    exit_status = Exit.USAGE


class PlanActionRefused(HoldfastError):
    """Of one that the server has ordered."""

    code = "plan-action-ended-badly"
    sentence = N_("The action of the plan did not end well. {said}")
    remedy = N_("Put right what it says on the host, then go on with the run.")
