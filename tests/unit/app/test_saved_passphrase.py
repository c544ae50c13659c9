"""The saved passphrase survives a damaged file, a lost copy, and a death in the middle of a save."""

import os
from pathlib import Path

import pytest

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.registering_errors import KeyFileMissing
from holdfast.app.saved_passphrase import has_passphrase, load_passphrase, save_passphrase
from holdfast.base.secret import Secret

_OLD, _NEW = Secret(b"the first passphrase"), Secret(b"the second passphrase")


class _Died(BaseException):
    pass


@pytest.fixture
def folder(tmp_path: Path) -> AgentFolder:
    folder = AgentFolder.of(str(tmp_path))
    folder.make()
    save_passphrase(folder, _OLD)
    return folder


def test_file_is_put_right_from_its_copy_with_one_warning(folder: AgentFolder) -> None:
    Path(folder.passphrase).write_bytes(b"the first passphrasf\n")
    warnings: list[str] = []

    found = [load_passphrase(folder, warn=warnings.append) for _twice in range(2)]

    assert found == [_OLD, _OLD]
    assert len(warnings) == 1


def test_lost_copy_does_no_harm(folder: AgentFolder) -> None:
    Path(folder.passphrase_copy).unlink()

    assert load_passphrase(folder, warn=pytest.fail) == _OLD


@pytest.mark.parametrize("lost", [("passphrase", "passphrase.copy"), ("passphrase.sha256",)])
def test_without_a_whole_one_it_is_missed(folder: AgentFolder, lost: tuple[str, ...]) -> None:
    for name in lost:
        (Path(folder.path) / name).unlink()

    assert not has_passphrase(folder)
    with pytest.raises(KeyFileMissing):
        load_passphrase(folder, warn=pytest.fail)


def test_death_in_a_save_leaves_the_old_or_the_new_one(
    folder: AgentFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = os.replace, []
    for call in range(1, 20):
        save_passphrase(folder, _OLD)
        count = 0

        def deadly(old: str, new: str, *, call: int = call) -> None:
            nonlocal count
            count += 1
            if count == call:
                raise _Died
            real(old, new)

        monkeypatch.setattr(os, "replace", deadly)
        try:
            save_passphrase(folder, _NEW)
        except _Died:
            monkeypatch.setattr(os, "replace", real)
            seen.append(load_passphrase(folder, warn=lambda _: None))
        else:
            break
        finally:
            monkeypatch.setattr(os, "replace", real)

    assert len(seen) == 4
    assert set(seen) == {_OLD, _NEW}
    assert load_passphrase(folder, warn=pytest.fail) == _NEW
