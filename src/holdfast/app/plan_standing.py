"""How the machines of a plan stand on this host: which replica is meant, and what runs already."""

from holdfast.app.recovery_here import Here, here
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.recovery.act_errors import NoReplicaHere
from holdfast.recovery.plans.plan import Machine, Plan
from holdfast.recovery.plans.plan_errors import PlanMachineNotFound, PlanMachineTwice
from holdfast.recovery.plans.progress import Ended, StepState
from holdfast.recovery.policy import Place, Standing
from holdfast.recovery.record import ON_ITS_WAY_BACK, Stage

# Of a machine that has come back, and is not followed as before yet.
_CAME_BACK = frozenset({Stage.COMMITTED, Stage.REPROTECTING})


class Standings:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._uuids: dict[str, str] = {}

    def uuid_of(self, vm: str) -> str:
        if vm not in self._uuids:
            with self._here(vm) as found:
                self._uuids[vm] = found.vm
        return self._uuids[vm]

    def require_each_once(self, plan: Plan) -> None:
        """All of them are here, and none goes by two names."""
        seen: dict[str, str] = {}
        for machine in plan.machines:
            other = seen.setdefault(self.uuid_of(machine.vm), machine.vm)
            if other != machine.vm:
                raise PlanMachineTwice(vm=machine.vm, other=other)

    def already(self, machine: Machine, *, is_back: bool) -> Ended | None:
        """Where it runs here as the run wants it, by this plan or by another."""
        with self._here(machine.vm) as found:
            standing, record = found.standing(), found.record()
            if standing.under_way is not None:
                return None
            is_there = _is_home(standing) if is_back else standing.place is Place.PROMOTED
            if not is_there:
                return None
            promoted = record.promoted
            return Ended(
                state=StepState.ALREADY,
                said=_("it runs here already"),
                found={
                    "name": promoted.name if promoted else found.name,
                    "uuid": promoted.uuid if promoted else found.vm,
                    "point": promoted.generation if promoted else None,
                    "point_time": promoted.taken_at.isoformat() if promoted else None,
                },
            )

    def is_way_back(self, plan: Plan) -> bool:
        """This is the home of machines that run elsewhere and follow here: they return."""
        return any(self._is_on_its_way_back(machine.vm) for machine in plan.machines)

    def _is_on_its_way_back(self, vm: str) -> bool:
        try:
            with self._here(vm) as found:
                standing = found.standing()
        except HoldfastError:
            return False
        return standing.stage in ON_ITS_WAY_BACK and standing.place is not Place.PROMOTED

    def _here(self, vm: str) -> "_Found":
        return _Found(self._session, vm)


class _Found:
    """`here`, whose error says that a plan has named the machine."""

    def __init__(self, session: Session, vm: str) -> None:
        self._context = here(session, vm, who="plan")
        self._vm = vm

    def __enter__(self) -> Here:
        try:
            return self._context.__enter__()
        except NoReplicaHere:
            raise PlanMachineNotFound(vm=self._vm) from None

    def __exit__(self, *_error: object) -> None:
        self._context.__exit__(None, None, None)


def _is_home(standing: Standing) -> bool:
    """It never left, or has come back: by this plan, or by hand."""
    is_back = standing.place is Place.HOME and not standing.is_fenced
    return standing.stage is Stage.PROTECTED or (is_back and standing.stage in _CAME_BACK)
