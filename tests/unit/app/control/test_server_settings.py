"""How a server runs, from options and from its file."""

from pathlib import Path

import pytest

from holdfast.app.control.server_errors import ListenNotUnderstood
from holdfast.app.control.server_settings import (
    address_of,
    certificate_names,
    load_server_settings,
    parse_listen,
)
from holdfast.app.setup_errors import SettingUnknown, SettingWrong


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("0.0.0.0:8443", ("0.0.0.0", 8443)),
        ("backup.example.net:443", ("backup.example.net", 443)),
        ("backup.example.net", ("backup.example.net", 8443)),
        ("[::1]:1", ("::1", 1)),
        ("[::]", ("::", 8443)),
        (":9000", ("", 9000)),
    ],
)
def test_an_address_to_listen_at_is_read(text: str, place: tuple[str, int]) -> None:
    assert parse_listen(text) == place


@pytest.mark.parametrize("text", ["host:", "host:http", "host:70000", "host:٣"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ListenNotUnderstood):
        parse_listen(text)


def test_options_win_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "config.toml").write_text(
        'listen = "127.0.0.1:1"\nnames = ["a", "b"]\ndatabase = "postgresql://db/x"\n'
    )

    settings = load_server_settings(str(tmp_path), listen="127.0.0.1:2", names=())

    assert settings.place == ("127.0.0.1", 2)
    assert settings.names == ("a", "b")
    assert settings.database_url == "postgresql://db/x"


def test_a_server_keeps_its_executor_id(tmp_path: Path) -> None:
    first = load_server_settings(str(tmp_path))

    assert load_server_settings(str(tmp_path)).executor_id == first.executor_id
    assert first.database_url == f"sqlite:///{tmp_path}/server/state.db"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('lissten = "x"', SettingUnknown),
        ("names = 5", SettingWrong),
        ('metrics-token = ["canary"]', SettingWrong),
        ("not toml", SettingWrong),
    ],
)
def test_a_mistake_in_the_file_is_named_and_no_secret_shown(
    tmp_path: Path, line: str, error: type[Exception]
) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "config.toml").write_text(line)

    with pytest.raises(error) as caught:
        load_server_settings(str(tmp_path))

    assert "canary" not in str(caught.value)


def test_the_first_name_is_told_to_others(tmp_path: Path) -> None:
    named = load_server_settings(str(tmp_path), names=("backup.example.net", "10.0.0.1"))
    told = load_server_settings(str(tmp_path), url="https://else.where/")
    bound = load_server_settings(str(tmp_path), listen="[::1]:5")

    assert address_of(named, 8443) == "https://backup.example.net:8443"
    assert address_of(told, 8443) == "https://else.where"
    assert address_of(bound, 5) == "https://[::1]:5"


def test_a_certificate_is_for_every_name_of_this_machine(tmp_path: Path) -> None:
    settings = load_server_settings(str(tmp_path), names=("backup.example.net",))

    names = certificate_names(settings)

    assert names[0] == "backup.example.net"
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)
    assert "0.0.0.0" not in names
