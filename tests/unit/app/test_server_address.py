"""A server is named as people name it, and has one spelling."""

import pytest

from holdfast.app.server_client import good_address
from holdfast.app.server_errors import ServerAddressWrong


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("backup.example.net", "https://backup.example.net:8443"),
        ("backup.example.net:9000", "https://backup.example.net:9000"),
        ("backup.example.net/", "https://backup.example.net:8443"),
        ("https://Backup.example.net:8443/", "https://backup.example.net:8443"),
        # Written out, it is an address as any other: behind a proxy there is none.
        ("https://backup.example.net", "https://backup.example.net"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_address_has_one_spelling(typed: str, meant: str) -> None:
    assert good_address(typed) == meant


@pytest.mark.parametrize("typed", ["http://backup.example.net", "https://a@b", "backup/console"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ServerAddressWrong):
        good_address(typed)
