"""A vault with a machine that has told of points, and people who may change policies."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from holdfast.app.control import stepping_up
from holdfast.app.control.assignments import AssignmentView, attach
from holdfast.app.control.passwords import hash_password
from holdfast.app.control.plane import Actor
from holdfast.app.control.points import take_points
from holdfast.app.control.policies import PolicyView, create_policy
from holdfast.catalog.tables import Account, Vault
from holdfast.fleet.backup_options import tag_of
from holdfast.fleet.messages import PointsTold, PointTold
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_machine, add_vault, make_plane

PASSWORD = "four random words here"


class Ground:
    def __init__(self, folder: Path, **vault: Any) -> None:
        self.clock = FakeClock()
        self.plane = make_plane(folder, clock=self.clock)
        self.vault = add_vault(self.plane, **vault)
        self.machine = add_machine(self.plane, self.vault)
        self.admin = add_admin(self.plane).actor

    @property
    def sure(self) -> Actor:
        """The administrator with a PIN."""
        with self.plane.database.write() as db:
            db.get_one(Account, self.admin.id).password_hash = hash_password(PASSWORD)
        pin = stepping_up.make_pin(self.plane, self.admin, password=PASSWORD).pin
        return replace(self.admin, pin=pin)

    def policy(self, *retention: str, name: str = "nightly", **more: Any) -> PolicyView:
        return create_policy(
            self.plane, self.admin, self.vault, body(*retention, name=name, **more)
        )

    def attached(self, policy: PolicyView, *paths: str, who: Actor | None = None) -> AssignmentView:
        return attach(
            self.plane,
            who or self.admin,
            self.machine.id,
            policy_id=policy.id,
            paths=list(paths or ("/etc",)),
            options={},
        )

    def tell(self, days: int, made_by: AssignmentView | None = None) -> list[PointTold]:
        """The machine tells of one point a day up to today, newest first."""
        now, tags = self.clock.now(), [tag_of(made_by.id)] if made_by else []
        told = [point(number, now - timedelta(days=number), *tags) for number in range(days)]
        take_points(self.plane, self.machine.actor, PointsTold(points=told))
        return told

    def set_vault(self, **settings: Any) -> None:
        with self.plane.database.write() as db:
            row = db.get_one(Vault, self.vault)
            for name, value in settings.items():
                setattr(row, name, value)


def body(*retention: str, name: str = "nightly", **more: Any) -> dict[str, Any]:
    return {"name": name, "schedule": "daily 02:00", "retention": list(retention), **more}


def point(number: int, taken_at: datetime, *tags: str) -> PointTold:
    return PointTold(
        id=f"{number:064x}",
        taken_at=taken_at,
        host="alpha",
        paths=["/etc"],
        tags=list(tags),
        bytes_total=1000,
        bytes_added=10,
    )
