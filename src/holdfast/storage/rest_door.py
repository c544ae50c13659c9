"""From a rest+https:// location and what was set beside it to the way in."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from holdfast.storage.rest import Door

# As restic calls them; a key in a file of its own is ours.
CA_FILE, CERTIFICATE, KEY = "RESTIC_CACERT", "RESTIC_TLS_CLIENT_CERT", "HOLDFAST_TLS_CLIENT_KEY"
USER, SECRET = "RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD"
_PROXIES = ("https_proxy", "HTTPS_PROXY")
_NO_PROXIES = ("no_proxy", "NO_PROXY")


def read_door(place: str, path: str, credentials: Mapping[str, str]) -> Door:
    """Pure: no file is read and nothing is contacted."""
    url = f"https://{path}/"
    return Door(
        url=url,
        place=place,
        ca_file=credentials.get(CA_FILE),
        certificate=credentials.get(CERTIFICATE),
        key=credentials.get(KEY),
        user=credentials.get(USER),
        secret=credentials.get(SECRET),
        proxy=_proxy(urlsplit(url).hostname or "", credentials),
    )


def _proxy(host: str, credentials: Mapping[str, str]) -> str | None:
    direct = _first(credentials, _NO_PROXIES).replace(" ", "").split(",")
    if "*" in direct or any(_is_in(host, domain) for domain in direct if domain):
        return None
    found = _first(credentials, _PROXIES)
    return (found if "://" in found else f"http://{found}") if found else None


def _first(credentials: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((credentials[name] for name in names if credentials.get(name)), "")


def _is_in(host: str, domain: str) -> bool:
    bare = domain.partition(":")[0].lstrip(".").lower()
    return host == bare or host.endswith(f".{bare}")
