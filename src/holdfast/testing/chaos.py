"""Chaos: for some minutes everything goes wrong at random, then all is mended and proven.

What is chosen depends on the seed alone; when it meets what, on the machine. So a seed that has
found something finds it again soon, though not always at once.
"""

import contextlib
import random
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from holdfast.agent.assigned import AssignedPolicies
from holdfast.base.clock import SystemClock
from holdfast.fleet.jobs import Kind, State
from holdfast.testing.chaos_faults import Fault, Mischief, start_server
from holdfast.testing.chaos_fleet import CHURNED, KEPT, ChaosFleet, Machine
from holdfast.testing.chaos_proofs import Asked, Seen, both_sides_agree, jobs_are_over, prove
from holdfast.testing.postgres import Postgres

_TICK = 0.1
_TRY_AGAIN = 1.0
_BETWEEN_FAULTS = (0.3, 4.0)
# A slow machine gets through fewer; it goes on until it has had as many as this makes.
SECONDS_A_FAULT = 6
_BETWEEN_ORDERS = (0.5, 4.0)
_BETWEEN_CHANGES = (0.3, 1.5)
# A job that fails in the dark waits half a minute and more before it is tried again.
_REST_WITHIN = 240.0
_CANCEL_AFTER = 60.0
# A server that was killed in the middle of an order blocks its key for ten minutes.
_UNANSWERED_WITHIN = 720.0
Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What was done to the fleet, what it did, and what is not as it should be."""

    seed: int
    seconds: float
    rest_after: float
    faults: Mapping[str, int]
    unavailable: list[str]
    jobs: Mapping[str, int]
    errors: Mapping[str, int]
    points: int
    orders: int
    restarts: int
    halves: int
    proofs: Mapping[str, list[str]]

    @property
    def wrong(self) -> list[str]:
        return [f"{name}: {one}" for name, found in self.proofs.items() for one in found]


@dataclass(slots=True)
class _Order:
    """Something a person wants; sent until a server has answered."""

    machine: Machine
    kind: str
    arguments: dict[str, Any]
    key: str = field(default_factory=lambda: secrets.token_hex(8))


class Chaos:
    """`run` does it all. One thread: what happens happens one after the other."""

    def __init__(self, fleet: ChaosFleet, *, seed: int, say: Say) -> None:
        self._fleet = fleet
        self._seed = seed
        self._say = say
        self._clock = SystemClock()
        self._begun = self._clock.monotonic()
        self._chance = random.Random(f"{seed} life")  # noqa: S311  no secret
        self._mischief = Mischief(fleet, random.Random(f"{seed} faults"))  # noqa: S311  no secret
        self._wrong: list[tuple[float, Fault]] = []
        self._faults: Counter[str] = Counter()
        self._orders: list[_Order] = []
        self._asked: list[Asked] = []
        self._restarts = 0
        self._conflicts = 0

    def run(self, seconds: float) -> Outcome:
        self._make_chaos(seconds)
        mended = self._clock.monotonic()
        self._mend_all()
        seen = self._come_to_rest()
        rest_after = self._clock.monotonic() - mended
        self._tell(f"at rest after {rest_after:.0f} s")
        self._last_orders(seen)
        seen.look()
        seen.server_kills = self._faults["kill -9 of a server"]
        proofs = prove(seen)
        self._tell("proven")
        return self._outcome(seen, proofs, seconds=seconds, rest_after=rest_after)

    def _make_chaos(self, seconds: float) -> None:
        # Every chain of events goes by a clock of its own, so that the seed alone decides.
        acts = [
            (self._do_wrong, _BETWEEN_FAULTS),
            (self._order, _BETWEEN_ORDERS),
            (self._change, _BETWEEN_CHANGES),
            (self._supervise, (_TRY_AGAIN, _TRY_AGAIN)),
        ]
        due = {index: self._clock.monotonic() + 1 for index in range(len(acts))}
        end = self._clock.monotonic() + seconds
        least = seconds // SECONDS_A_FAULT
        while (now := self._clock.monotonic()) < end or self._faults.total() < least:
            self._mend(now)
            for index, (act, (least, most)) in enumerate(acts):
                if due[index] <= now:
                    act()
                    due[index] = self._clock.monotonic() + self._chance.uniform(least, most)
            self._clock.sleep(_TICK)

    def _do_wrong(self) -> None:
        fault = self._mischief.next()
        if fault is None:
            return
        self._faults[fault.name] += 1
        self._tell(f"{fault.name}, for {fault.seconds:.1f} s")
        self._wrong.append((self._clock.monotonic() + fault.seconds, fault))

    def _mend(self, now: float) -> None:
        for one in [one for one in self._wrong if one[0] <= now]:
            self._wrong.remove(one)
            if not one[1].mend():
                self._wrong.append((self._clock.monotonic() + _TRY_AGAIN, one[1]))

    def _mend_all(self) -> None:
        waiting = f"{len(self._orders)} orders are not taken, {self._conflicts} conflicts"
        self._tell(f"everything is mended now; {waiting}")
        # The database first: nothing starts without it.
        until = self._clock.monotonic() + _REST_WITHIN
        while self._wrong:
            assert self._clock.monotonic() < until, f"cannot be mended: {self._wrong}"
            self._mend(float("inf"))
            self._clock.sleep(_TICK)
        self._supervise()

    def _supervise(self) -> None:
        """As a service manager does: what has ended by itself is started again."""
        for machine in self._fleet.machines:
            if machine.is_wanted and not machine.is_running:
                self._restarts += 1
                self._tell(f"{machine.name}'s agent had ended by itself")
                machine.start()
        mending = any(fault.name.endswith("of a server") for _due, fault in self._wrong)
        for server in self._fleet.servers:
            if not server.is_running and not mending and start_server(self._fleet, server):
                self._restarts += 1
                self._tell("a server had ended by itself")

    def _change(self) -> None:
        for machine in self._fleet.machines:
            machine.change(self._chance)

    def _order(self) -> None:
        chance = self._chance
        machine = chance.choice(self._fleet.machines)
        kind = chance.choice([*[Kind.BACKUP] * 4, Kind.CHECK, Kind.RETAIN, Kind.PRUNE, Kind.SCRUB])
        folder = chance.choice((KEPT, CHURNED))
        is_cancel = chance.random() < 0.2  # noqa: PLR2004  one in five
        if is_cancel:
            self._cancel_one()
        else:
            self._want(machine, kind, folder)
        self._send_orders()

    def _want(self, machine: Machine, kind: Kind, folder: str) -> None:
        arguments: dict[str, Any] = {}
        if kind is Kind.BACKUP:
            tag = f"ask{len(self._asked) + len(self._orders)}-{self._seed}"
            arguments = {"assignment": machine.assignments[folder], "tags": [tag]}
        elif kind is Kind.RETAIN:
            arguments = {"assignment": machine.assignments[folder]}
        self._orders.append(_Order(machine, kind.value, arguments))

    def _send_orders(self) -> None:
        for order in [*self._orders]:
            answer = self._fleet.person.ask(
                "POST",
                f"/machines/{order.machine.id}/jobs",
                json={"kind": order.kind, "arguments": order.arguments},
                headers={"Idempotency-Key": order.key},
            )
            if answer is None:
                return
            if answer.status_code == httpx.codes.CONFLICT:
                # The first try is not over yet, as far as the servers know.
                self._conflicts += 1
                continue
            assert answer.is_success, f"{order.kind}: {answer.text}"
            tags = order.arguments.get("tags") or [None]
            self._orders.remove(order)
            self._asked.append(
                Asked(
                    job_id=answer.json()["id"],
                    machine=order.machine.id,
                    kind=order.kind,
                    tag=tags[0],
                )
            )

    def _cancel_one(self) -> None:
        answer = self._fleet.person.ask("GET", "/jobs?state=running&state=waiting&limit=50")
        if answer is None or not answer.is_success or not answer.json()["items"]:
            return
        job = self._chance.choice(answer.json()["items"])
        self._fleet.person.ask("POST", f"/jobs/{job['id']}/cancel")

    def _come_to_rest(self) -> Seen:
        """No new work is begun, and all that was begun comes to its end."""
        for machine in self._fleet.machines:
            for assignment in machine.assignments.values():
                self._fleet.person.patch(f"/assignments/{assignment}", {"is_paused": True})
        self._until(lambda: [] if self._are_paused() else ["policies are not paused everywhere"])
        self._until(self._unsent, within=_UNANSWERED_WITHIN)
        seen = Seen(self._fleet, self._asked)
        begun = self._clock.monotonic()

        def restless() -> list[str]:
            seen.look_at_jobs()
            if self._clock.monotonic() - begun > _CANCEL_AFTER:
                self._cancel_waiting(seen)
            return [*jobs_are_over(seen), *both_sides_agree(seen)]

        self._until(restless)
        return seen

    def _are_paused(self) -> bool:
        return all(
            one.is_paused
            for machine in self._fleet.machines
            for one in AssignedPolicies(machine.place.policies).all
        )

    def _unsent(self) -> list[str]:
        self._send_orders()
        return [f"an order for {order.kind} is not taken" for order in self._orders]

    def _cancel_waiting(self, seen: Seen) -> None:
        """What waits for its next try, some minutes from now, is stopped by the person."""
        for job_id, job in seen.jobs.items():
            if job["state"] == State.WAITING and not job["is_cancel_asked"]:
                self._tell(f"cancelling {job['kind']} {job_id} ({job['error_code']})")
                self._fleet.person.ask("POST", f"/jobs/{job_id}/cancel")

    def _last_orders(self, seen: Seen) -> None:
        """A fleet at rest does what it is told: back up, prune, read everything."""
        for kind in (Kind.BACKUP, Kind.PRUNE, Kind.CHECK):
            for machine in self._fleet.machines:
                self._want(machine, kind, KEPT)
            before = len(self._asked)
            self._until(self._unsent)
            self._until(lambda: self._restless(seen))
            self._tell(f"every machine did a last {kind}")
            for one in self._asked[before:]:
                state = seen.jobs[one.job_id]["state"]
                assert state == State.DONE, f"the last {kind} is {state}"

    def _restless(self, seen: Seen) -> list[str]:
        seen.look_at_jobs()
        return [*jobs_are_over(seen), *both_sides_agree(seen)]

    def _until(self, wrong: Callable[[], list[str]], *, within: float = _REST_WITHIN) -> None:
        until = self._clock.monotonic() + within
        while found := wrong():
            if self._clock.monotonic() > until:
                raise AssertionError("it does not come to rest:\n" + "\n".join(found))
            self._supervise()
            self._clock.sleep(1)

    def _outcome(
        self, seen: Seen, proofs: Mapping[str, list[str]], *, seconds: float, rest_after: float
    ) -> Outcome:
        jobs = list(seen.jobs.values())
        return Outcome(
            seed=self._seed,
            seconds=seconds,
            rest_after=rest_after,
            faults=dict(sorted(self._faults.items())),
            unavailable=[] if self._fleet.vault_disk.is_own else ["full disks"],
            jobs=Counter(f"{job['kind']} {job['state']}" for job in jobs),
            errors=Counter(job["error_code"] for job in jobs if job["error_code"]),
            points=sum(len(found) for found in seen.points.values()),
            orders=len(self._asked),
            restarts=self._restarts,
            halves=seen.halves,
            proofs=proofs,
        )

    def _tell(self, what: str) -> None:
        self._say(f"{self._clock.monotonic() - self._begun:7.1f}  {what}")


def run_chaos(folder: Path, postgres: Postgres, *, seconds: float, seed: int, say: Say) -> Outcome:
    """A fresh fleet below `folder`, so many seconds of chaos, and the proofs."""
    fleet = ChaosFleet(folder, postgres)
    with contextlib.ExitStack() as stack:
        stack.callback(fleet.close)
        fleet.start()
        return Chaos(fleet, seed=seed, say=say).run(seconds)
