"""A registered machine's own repository and passphrase are used where nothing else is named."""

from pathlib import Path

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.config import Settings, load_settings
from holdfast.app.registration_state import Registration, find_registration, write_registration

_KNOWN = Registration(
    machine_id="m1",
    vault_id="v1",
    vault_name="office",
    name="mail",
    server="https://server.test:8443",
    gateway_path="/gateway/v1/m1",
    key_fingerprint="f" * 64,
)
_LOCATION = "rest+https://server.test:8443/gateway/v1/m1"


def _registered(home: Path) -> AgentFolder:
    folder = AgentFolder.of(str(home))
    folder.make()
    write_registration(folder, _KNOWN)
    return folder


def _settings(home: Path, **more: str) -> Settings:
    return load_settings({"HOLDFAST_HOME": str(home), **more}, system_config="/nonexistent")


def test_without_a_word_it_is_the_own_repository_and_the_saved_passphrase(tmp_path: Path) -> None:
    folder = _registered(tmp_path)

    settings = _settings(tmp_path)

    assert (settings.vault, settings.passphrase_file) == (_LOCATION, folder.passphrase)


def test_vault_named_otherwise_is_not_opened_with_the_saved_passphrase(tmp_path: Path) -> None:
    _registered(tmp_path)

    settings = _settings(tmp_path, HOLDFAST_VAULT="/backup")

    assert (settings.vault, settings.passphrase_file) == ("/backup", None)


def test_passphrase_that_was_given_counts(tmp_path: Path) -> None:
    _registered(tmp_path)

    settings = _settings(tmp_path, HOLDFAST_PASSPHRASE_FILE="/mine")

    assert (settings.vault, settings.passphrase_file) == (_LOCATION, "/mine")


def test_unreadable_registration_is_a_remark_and_no_obstacle(tmp_path: Path) -> None:
    Path(_registered(tmp_path).registration).write_text("{")

    settings = _settings(tmp_path)

    assert settings.vault is None
    assert len(settings.remarks) == 1


def test_field_of_a_later_version_does_no_harm(tmp_path: Path) -> None:
    file = Path(_registered(tmp_path).registration)
    file.write_text(file.read_text().replace("{", '{"later": 1,', 1))

    assert find_registration(str(tmp_path)) == _KNOWN


def test_registration_prepared_to_the_end_takes_effect(tmp_path: Path) -> None:
    folder = AgentFolder.of(str(tmp_path))
    folder.make()
    folder.next.make()
    folder.next.write(folder.next.key, b"key")
    write_registration(folder.next, _KNOWN)

    found = find_registration(str(tmp_path))

    assert found == _KNOWN
    assert Path(folder.key).read_bytes() == b"key"
    assert not Path(folder.next.path).exists()


def test_registration_prepared_by_halves_does_not(tmp_path: Path) -> None:
    folder = AgentFolder.of(str(tmp_path))
    folder.make()
    folder.next.make()
    folder.next.write(folder.next.key, b"key")

    assert find_registration(str(tmp_path)) is None
    assert Path(folder.next.key).exists()
