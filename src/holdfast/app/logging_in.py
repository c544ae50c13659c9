"""Logging in to a server from this machine, and learning to trust it the first time."""

import hashlib
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import urllib3

from holdfast.app.login_file import Login, forget_login, read_login, write_login
from holdfast.app.server_client import PREFIX, ServerClient, good_address
from holdfast.app.server_errors import ServerNotReached, ServerNotTrusted, ServerSaid
from holdfast.base.secret import Secret
from holdfast.base.texts import _

# Told the fingerprint of an authority nobody vouches for; whether to trust it.
Confirm = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How the server is to prove itself: by a certificate at hand, by a fingerprint, or by asking."""

    ca_file: str | None = None
    fingerprint: str | None = None
    confirm: Confirm | None = None


def choose_authority(server: str, trust: Trust) -> str | None:
    """The authority's certificate to trust from now on; None: the system's are enough."""
    if trust.ca_file is not None:
        return _read(server, trust.ca_file)
    if trust.fingerprint is None and _system_trusts(server):
        return None
    offered = _offered(server)
    found = _fingerprint(server, offered)
    if trust.fingerprint is not None:
        if trust.fingerprint.replace(":", "").lower() != found:
            reason = _("its authority has the fingerprint {found}").format(found=found)
            raise ServerNotTrusted(server=server, reason=reason)
        return offered
    if trust.confirm is None or not trust.confirm(found):
        reason = _("its authority with the fingerprint {found} is unknown here")
        raise ServerNotTrusted(server=server, reason=reason.format(found=found))
    return offered


def log_in(home: str, *, server: str, ca_pem: str | None, name: str, password: Secret) -> Login:
    """Ask for a session, and keep it for the commands to come."""
    client = ServerClient(server, ca_pem=ca_pem)
    body = {"name": name, "password": password.reveal().decode(errors="replace")}
    made = client.post("/sessions", body)
    login = Login(
        server=server,
        ca_pem=ca_pem,
        name=made["name"],
        token=made["token"],
        expires_at=datetime.fromisoformat(made["expires_at"]),
    )
    write_login(home, login)
    return login


def keep_token(home: str, *, server: str, ca_pem: str | None, token: Secret) -> Login:
    """Use an API token as the login of this machine's programs."""
    text = token.reveal().decode(errors="replace")
    me = ServerClient(server, ca_pem=ca_pem, token=text).get("/me")
    login = Login(server=server, ca_pem=ca_pem, name=me["name"], token=text, expires_at=None)
    write_login(home, login)
    return login


def log_out(home: str) -> Login:
    """End the session there and forget it here; here even when the server is away."""
    login = read_login(home)
    forget_login(home)
    client = ServerClient(login.server, ca_pem=login.ca_pem, token=login.token)
    # A token of the API has an end of its own and other users; only sessions end here.
    if login.expires_at is not None:
        client.delete("/sessions/current")
    return login


def server_named(server: str | None, home: str) -> str:
    """The server to log in to: the one named, or that of the login before."""
    return good_address(server) if server else read_login(home).server


def _system_trusts(server: str) -> bool:
    try:
        ServerClient(server, ca_pem=None).get("/ca")
    except ServerNotTrusted:
        return False
    except ServerSaid:
        return True
    return True


def _offered(server: str) -> str:
    """What the server says its authority is; it is believed only with its fingerprint."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    pool = urllib3.PoolManager(ssl_context=context, cert_reqs="CERT_NONE", assert_hostname=False)
    try:
        with warnings.catch_warnings():
            # That nothing proves this answer yet is the very point: it is compared afterwards.
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            answer = pool.request("GET", f"{server}{PREFIX}/ca", timeout=10, retries=False)
        return str(answer.json()["ca_pem"])
    except (urllib3.exceptions.HTTPError, OSError) as err:
        raise ServerNotReached(server=server, reason=err) from err
    except (ValueError, KeyError, TypeError) as err:
        reason = _("what answers there is no server of ours")
        raise ServerNotTrusted(server=server, reason=reason) from err


def _fingerprint(server: str, pem: str) -> str:
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    except ValueError as err:
        reason = _("what it offers is no certificate")
        raise ServerNotTrusted(server=server, reason=reason) from err


def _read(server: str, file: str) -> str:
    try:
        with open(file, encoding="ascii") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as err:
        raise ServerNotTrusted(server=server, reason=err) from err
