"""Where servers of a replica's images listen: nobody who ends late takes another's socket along."""

from pathlib import Path

from holdfast.replication.replica_folder import open_folder
from holdfast.replication.replica_sockets import sockets
from tests.replica_bench import VM


def test_who_comes_next_has_other_names_than_one_that_was_killed(tmp_path: Path) -> None:
    folder = open_folder(tmp_path, VM)
    with sockets(folder) as first:
        late = first / "0"

    with sockets(folder) as second:
        (second / "0").touch()
        # As a server of QEMU's does when it ends.
        late.unlink(missing_ok=True)

        assert (second / "0").exists()


def test_what_was_left_goes_with_the_next_one(tmp_path: Path) -> None:
    folder = open_folder(tmp_path, VM)
    with sockets(folder) as place:
        pass
    place.mkdir(parents=True)
    (place / "0").touch()

    with sockets(folder) as second:
        assert not place.exists()

    assert not second.parent.exists()
