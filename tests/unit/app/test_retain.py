from datetime import timedelta

from holdfast.app.retain import IMMUTABLE, retain
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.rest_errors import StillImmutable
from holdfast.testing.vaults import add_point, small_vault
from holdfast.vault.policy.retention import Policy
from holdfast.vault.policy.retention_grammar import parse_every
from holdfast.vault.policy.retention_rules import Unit


class OneIsYoung(MemoryStorage):
    young = ""

    def delete(self, name: str) -> None:
        if self.young and name.endswith(self.young):
            raise StillImmutable(place=self.place, name=name, days=30)
        super().delete(name)


def test_a_point_the_vault_does_not_let_go_is_held_and_the_others_go() -> None:
    storage = OneIsYoung()
    vault = small_vault(storage)
    points = [
        add_point(vault, {"a": b"a"}, time=vault.clock.now() - timedelta(days=number))
        for number in range(4)
    ]
    storage.young = points[1].id

    plan = retain(vault, Policy(rules=tuple(parse_every(Unit.LAST, "1"))))

    assert {point.id for point in vault.snapshots()} == {points[1].id, points[0].id}
    assert {point.id for point in plan.keep} == {points[1].id, points[0].id}
    (held,) = [verdict for verdict in plan.verdicts if verdict.point.id == points[1].id]
    assert [hold.rule for hold in held.holds] == [IMMUTABLE]
