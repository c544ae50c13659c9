"""Settings: which source wins, and what a mistyped one says."""

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.config import Settings, asked_language, load_settings
from holdfast.app.setup_errors import SettingUnknown, SettingWrong


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def _load(home: Path, environment: dict[str, str] | None = None, **options: object) -> Settings:
    seen = {"HOLDFAST_HOME": str(home), **(environment or {})}
    return load_settings(seen, system_config=str(home / "system.toml"), **options)


def _write(home: Path, content: str, name: str = "config.toml") -> None:
    (home / name).write_text(content, encoding="utf-8")


def test_nearer_source_wins(home: Path) -> None:
    _write(home, 'vault = "/system"\nworkers = 3\n', "system.toml")
    _write(home, 'vault = "/home"\n')

    from_files = _load(home)
    from_environment = _load(home, {"HOLDFAST_VAULT": "/environment"})
    from_option = _load(home, {"HOLDFAST_VAULT": "/environment"}, vault="/option")

    assert [s.vault for s in (from_files, from_environment, from_option)] == [
        "/home",
        "/environment",
        "/option",
    ]
    assert from_option.workers == 3


def test_passphrase_file_of_the_command_replaces_the_command_of_the_config(home: Path) -> None:
    _write(home, 'passphrase-command = "pass show vault"\n')

    settings = _load(home, passphrase_file="/root/phrase")

    assert (settings.passphrase_command, settings.passphrase_file) == (None, "/root/phrase")


def test_host_of_virtual_machines_is_a_setting_like_others(home: Path) -> None:
    usual = _load(home)
    _write(home, 'libvirt = "qemu+ssh://kvm1/system"\n')
    from_file = _load(home)
    from_environment = _load(home, {"HOLDFAST_LIBVIRT": "qemu+ssh://kvm2/system"})
    from_option = _load(home, {"HOLDFAST_LIBVIRT": "qemu+ssh://kvm2/system"}, libvirt="test:///d")

    assert [s.libvirt for s in (usual, from_file, from_environment, from_option)] == [
        "qemu:///system",
        "qemu+ssh://kvm1/system",
        "qemu+ssh://kvm2/system",
        "test:///d",
    ]


def test_limit_of_disks_is_a_size(home: Path) -> None:
    _write(home, 'vm-max-disk = "4T"\n')

    assert _load(home).vm_max_disk == 4 << 40


def test_how_many_machines_are_backed_up_at_once_is_a_setting(home: Path) -> None:
    usual = _load(home)
    _write(home, 'vm-parallel = 3\nvm-parallel-per-store = 1\nvm-wait = "10m"\n')

    said = _load(home)

    assert 2 <= usual.vm_parallel <= 8
    assert (said.vm_parallel, said.vm_parallel_per_store) == (3, 1)
    assert said.vm_wait == timedelta(minutes=10)


def test_unknown_key_is_refused_with_the_nearest_known_one(home: Path) -> None:
    _write(home, 'passphrase-fiel = "/root/phrase"\n')

    with pytest.raises(SettingUnknown) as caught:
        _load(home)

    assert "passphrase-fiel" in str(caught.value)
    assert "passphrase-file" in caught.value.advice


@pytest.mark.parametrize(
    "content",
    [
        "workers = 0",
        "vm-parallel = 0",
        'workers = "two"',
        "vault = 5",
        'lang = "fr"',
        'keyring = "soon"',
        'vm-max-disk = "big"',
        "vault =",
    ],
)
def test_value_of_the_wrong_kind_is_refused_and_the_file_named(home: Path, content: str) -> None:
    _write(home, content)

    with pytest.raises(SettingWrong, match=r"config\.toml"):
        _load(home)


@pytest.mark.parametrize(("written", "kept"), [("off", timedelta(0)), ("2h", timedelta(hours=2))])
def test_keyring_time_is_read(home: Path, written: str, kept: timedelta) -> None:
    _write(home, f'keyring = "{written}"\n')

    assert _load(home).keyring == kept


def test_credentials_of_the_environment_win_over_those_of_the_file(home: Path) -> None:
    _write(home, '[credentials]\nAWS_REGION = "eu"\nAWS_ACCESS_KEY_ID = "file"\n')

    settings = _load(home, {"AWS_ACCESS_KEY_ID": "environment"})

    assert settings.credentials == {"AWS_REGION": "eu", "AWS_ACCESS_KEY_ID": "environment"}


@pytest.mark.parametrize(("mode", "remarks"), [(0o600, 0), (0o640, 1), (0o644, 1)])
def test_credentials_others_can_read_are_remarked_on(home: Path, mode: int, remarks: int) -> None:
    _write(home, '[credentials]\nAWS_REGION = "eu"\n')
    (home / "config.toml").chmod(mode)

    assert len(_load(home).remarks) == remarks


def test_unknown_credential_is_refused_without_its_value(home: Path) -> None:
    _write(home, '[credentials]\nAWS_ACESS_KEY_ID = "sesame"\n')

    with pytest.raises(SettingUnknown) as caught:
        _load(home)

    assert "AWS_ACCESS_KEY_ID" in caught.value.advice
    assert "sesame" not in str(caught.value) + caught.value.advice


def test_secrets_show_neither_in_the_settings_nor_in_what_hooks_see(home: Path) -> None:
    settings = _load(home, {"AWS_SECRET_ACCESS_KEY": "sesame", "PATH": "/bin"})

    assert "sesame" not in repr(settings)
    assert settings.harmless == {"PATH": "/bin"}


def test_credentials_in_the_wrong_shape_are_refused_unseen(home: Path) -> None:
    _write(home, 'credentials = "sesame"\n')

    with pytest.raises(SettingWrong) as caught:
        _load(home)

    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        (["--lang", "ko", "points"], {}, "ko"),
        (["points", "--lang=ko"], {}, "ko"),
        (["points"], {"HOLDFAST_LANG": "ko"}, "ko"),
        (["points"], {"LANG": "ko_KR.UTF-8"}, "ko"),
        (["points"], {"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        (["points"], {"LANG": "de_DE.UTF-8"}, "en"),
        (["--lang", "en"], {"HOLDFAST_LANG": "ko"}, "en"),
        (["backup", "--", "--lang=ko"], {}, "en"),
    ],
)
def test_language_is_known_before_anything_is_parsed(
    arguments: list[str], environment: dict[str, str], language: str
) -> None:
    assert asked_language(arguments, environment) == language


def test_unknown_language_in_the_environment_is_refused(home: Path) -> None:
    with pytest.raises(SettingWrong, match="HOLDFAST_LANG"):
        _load(home, {"HOLDFAST_LANG": "xx"})
