import msgspec
import pytest

from holdfast.app.tags import tag_points
from holdfast.testing.vaults import add_point, small_vault
from holdfast.vault.layout import SNAPSHOTS
from holdfast.vault.repository import Repository
from holdfast.vault.tags import TagChange


@pytest.fixture
def vault() -> Repository:
    return small_vault()


@pytest.mark.parametrize(
    ("change", "tags"),
    [
        (TagChange(add=("c", "a")), ["a", "b", "c"]),
        (TagChange(remove=("a", "x")), ["b"]),
        (TagChange(add=("c",), remove=("b",)), ["a", "c"]),
        (TagChange(replace=("z", "z")), ["z"]),
        (TagChange(replace=()), []),
    ],
)
def test_tags_are_added_removed_and_set(
    vault: Repository, change: TagChange, tags: list[str]
) -> None:
    old = add_point(vault, {"a": b"1"}, tags=["a", "b"])

    changed = tag_points(vault, [old.id[:8]], change)

    (found,) = vault.snapshots()
    assert changed == {old.id: found.id}
    assert found.stored.tags == tags
    assert found.stored.original == old.id
    assert (found.tree, found.taken_at) == (old.tree, old.taken_at)


def test_the_first_id_stays_through_all_changes(vault: Repository) -> None:
    first = add_point(vault, {"a": b"1"})

    tag_points(vault, [], TagChange(add=("a",)))
    tag_points(vault, ["latest"], TagChange(add=("b",)))

    assert vault.snapshots()[0].stored.original == first.id


def test_a_point_that_has_the_tags_already_is_left_alone(vault: Repository) -> None:
    point = add_point(vault, {"a": b"1"}, tags=["a"])

    assert tag_points(vault, [], TagChange(add=("a",))) == {}
    assert [found.id for found in vault.snapshots()] == [point.id]


def test_fields_of_newer_clients_are_kept(vault: Repository) -> None:
    point = add_point(vault, {"a": b"1"})
    fields = msgspec.json.decode(vault.files.load(SNAPSHOTS, point.id))
    vault.delete_snapshot(point.id)
    vault.files.save(SNAPSHOTS, msgspec.json.encode({**fields, "label": {"x": [1.50, "é"]}}))

    tag_points(vault, [], TagChange(add=("a",)))

    (found,) = vault.snapshots()
    stored = msgspec.json.decode(vault.files.load(SNAPSHOTS, found.id))
    assert stored["label"] == {"x": [1.5, "é"]}
    assert stored["tags"] == ["a"]
