"""What `holdfast failover VM --test` does."""

from typing import TYPE_CHECKING

from holdfast.base.errors import Exit
from holdfast.cli.run import Run
from holdfast.cli.trial_report import listening, tell_trial

if TYPE_CHECKING:
    from holdfast.recovery.trial import TrialWish


def carry_out_test(run: Run, vm: str, wish: "TrialWish") -> int:
    """Passed and kept to be looked at is no error; what was not removed is one."""
    from holdfast.app.failover_test import try_failover
    from holdfast.app.replication_orders import who_asks
    from holdfast.recovery.trial import TrialState
    from holdfast.recovery.trial_errors import TrialNotPassed
    from holdfast.recovery.trial_tending import require_clean

    done = try_failover(run.session, vm, wish, who=who_asks(), listening=listening(run.out))
    trial = done.trial
    tell_trial(run.out, trial)
    if trial.state is TrialState.FAILURE:
        fields = {"name": trial.name, "vm": trial.name, "reason": trial.message}
        raise TrialNotPassed(**fields, folder=done.folder)
    if trial.expires_at is None or trial.left:
        require_clean(trial)
    return Exit.FINE
