"""The server's own authority."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from holdfast.app.control import key_files
from holdfast.app.control.authority import Authority, load_authority
from holdfast.app.control.authority_errors import (
    ServerKeyMissing,
    ServerKeyUnreadable,
    SigningRequestRefused,
)
from holdfast.app.control.certifying import names_in
from holdfast.testing.planes import make_csr, make_key

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return load_authority(str(tmp_path / "server"), now=NOON)


def test_keys_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "server"

    first = load_authority(str(folder), now=NOON)
    second = load_authority(str(folder), now=NOON + timedelta(days=1))

    assert first.ca_pem == second.ca_pem
    assert first.signing_public == second.signing_public
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert sorted(os.listdir(folder)) == ["ca.key", "ca.pem", "signing.key"]


@pytest.mark.faults
@pytest.mark.parametrize("steps", range(3))
def test_a_crash_between_the_files_is_completed_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    folder, done = str(tmp_path / "server"), list[str]()

    def dies(path: str, content: bytes) -> bytes:
        if len(done) == steps:
            raise SystemExit(9)
        done.append(path)
        return key_files.write_once(path, content)

    with monkeypatch.context() as patch:
        patch.setattr("holdfast.app.control.authority.write_once", dies)
        with pytest.raises(SystemExit):
            load_authority(folder, now=NOON)
    whole = load_authority(folder, now=NOON)

    assert names_in(_leaf(whole, make_key()))


def test_a_certificate_without_its_key_is_not_replaced_by_another(tmp_path: Path) -> None:
    load_authority(str(tmp_path), now=NOON)
    (tmp_path / "ca.key").unlink()

    with pytest.raises(ServerKeyMissing):
        load_authority(str(tmp_path), now=NOON)


def test_a_key_of_another_authority_is_refused(tmp_path: Path) -> None:
    load_authority(str(tmp_path / "one"), now=NOON)
    load_authority(str(tmp_path / "two"), now=NOON)
    (tmp_path / "one" / "ca.key").write_bytes((tmp_path / "two" / "ca.key").read_bytes())

    with pytest.raises(ServerKeyUnreadable):
        load_authority(str(tmp_path / "one"), now=NOON)


def test_a_broken_key_file_is_named(tmp_path: Path) -> None:
    load_authority(str(tmp_path), now=NOON)
    (tmp_path / "signing.key").write_bytes(b"torn")

    with pytest.raises(ServerKeyUnreadable, match=r"signing\.key"):
        load_authority(str(tmp_path), now=NOON)


def test_a_machines_certificate_is_good_for_ninety_days_on_both_ends(authority: Authority) -> None:
    certificate = _leaf(authority, make_key())
    policy = PolicyBuilder().store(
        Store([x509.load_pem_x509_certificate(authority.ca_pem.encode())])
    )

    client = policy.time(NOON + timedelta(days=89)).build_client_verifier().verify(certificate, [])

    assert client.chain[0] == certificate
    assert certificate.subject.rfc4514_string() == "CN=0123456789abcdef"
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    assert certificate.not_valid_after_utc == NOON + timedelta(days=90)


@pytest.mark.parametrize("name", ["server.test", "0123456789abcdef"])
def test_a_machines_certificate_never_passes_for_a_servers(authority: Authority, name: str) -> None:
    certificate = _leaf(authority, make_key())
    store = Store([x509.load_pem_x509_certificate(authority.ca_pem.encode())])
    verifier = PolicyBuilder().store(store).time(NOON).build_server_verifier(x509.DNSName(name))

    with pytest.raises(VerificationError):
        verifier.verify(certificate, [])


def test_a_request_gives_its_key_and_nothing_else(authority: Authority) -> None:
    key = make_key()

    issued = authority.issue_client_certificate(make_csr(key, "root"), "machine-1", now=NOON)

    certificate = x509.load_pem_x509_certificate(issued.pem.encode())
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.rfc4514_string() == "CN=machine-1"
    assert issued.expires_at == NOON + timedelta(days=90)


def test_a_request_without_proof_of_its_key_is_refused(authority: Authority) -> None:
    request = x509.load_pem_x509_csr(make_csr(make_key()).encode())
    der = bytearray(request.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()

    with pytest.raises(SigningRequestRefused):
        authority.issue_client_certificate(forged, "machine-1", now=NOON)


@pytest.mark.parametrize("csr", ["", "no pem", "x" * 20_000, "\N{SNOWMAN}"])
def test_what_is_no_request_is_refused(authority: Authority, csr: str) -> None:
    with pytest.raises(SigningRequestRefused):
        authority.issue_client_certificate(csr, "machine-1", now=NOON)


def test_only_our_kind_of_key_is_certified(authority: Authority) -> None:
    other_curve = make_csr(ec.generate_private_key(ec.SECP384R1()))
    other_kind = make_csr(ed25519.Ed25519PrivateKey.generate())

    for csr in (other_curve, other_kind):
        with pytest.raises(SigningRequestRefused):
            authority.issue_client_certificate(csr, "machine-1", now=NOON)


def test_a_servers_certificate_names_its_hosts_and_addresses(authority: Authority) -> None:
    key = make_key().public_key()

    issued = authority.issue_server_certificate(
        key, ["backup.example.net", "10.0.0.7", "::1"], now=NOON
    )

    certificate = x509.load_pem_x509_certificate(issued.pem.encode())
    assert names_in(certificate) == ["backup.example.net", "10.0.0.7", "::1"]


def test_what_is_signed_can_be_checked_with_the_public_key(authority: Authority) -> None:
    public = ed25519.Ed25519PublicKey.from_public_bytes(authority.signing_public)

    public.verify(authority.sign(b"credentials"), b"credentials")


def _leaf(authority: Authority, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    issued = authority.issue_client_certificate(make_csr(key), "0123456789abcdef", now=NOON)
    return x509.load_pem_x509_certificate(issued.pem.encode())
