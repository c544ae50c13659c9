"""Who two hosts are to each other."""

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.replication.link_errors import IdentityUnusable, OwnCertificateForClients
from holdfast.replication.link_identity import LinkIdentity, client_context, server_context
from holdfast.testing.links import Vouching

CLOCK = SystemClock()


@pytest.fixture
def vouching(tmp_path: Path) -> Vouching:
    return Vouching(tmp_path)


def test_a_certificate_says_which_machine_it_is_of(vouching: Vouching) -> None:
    shown = vouching.identity("abc").read()

    assert shown.machine == "abc"
    assert len(shown.fingerprint) == 64
    assert shown.ends - shown.begins >= timedelta(days=90)
    assert shown.is_for_both_ends


def test_only_the_authority_that_issued_ours_counts(vouching: Vouching, tmp_path: Path) -> None:
    mine = vouching.identity("abc")
    others = Vouching(tmp_path, name="others")
    both = tmp_path / "both.pem"
    both.write_text(Path(others.ca).read_text() + Path(vouching.ca).read_text())

    identity = LinkIdentity(certificate=mine.certificate, key=mine.key, ca=str(both))
    (trusted,) = client_context(identity, CLOCK).get_ca_certs()

    assert trusted["subject"] == _subject(vouching)


def _subject(vouching: Vouching) -> object:
    name = vouching.signer.certificate.subject.rfc4514_string().removeprefix("CN=")
    return ((("commonName", name),),)


def test_an_authority_that_did_not_issue_ours_is_of_no_use(
    vouching: Vouching, tmp_path: Path
) -> None:
    mine = vouching.identity("abc")
    others = Vouching(tmp_path, name="others")

    with pytest.raises(IdentityUnusable, match="has issued it"):
        client_context(
            LinkIdentity(certificate=mine.certificate, key=mine.key, ca=others.ca), CLOCK
        )


def test_a_key_of_another_certificate_is_named(vouching: Vouching) -> None:
    one, two = vouching.identity("one"), vouching.identity("two")

    with pytest.raises(IdentityUnusable, match=r"two\.key"):
        client_context(LinkIdentity(certificate=one.certificate, key=two.key, ca=one.ca), CLOCK)


@pytest.mark.parametrize("missing", ["certificate", "key", "ca"])
def test_a_file_that_is_not_there_is_named(vouching: Vouching, missing: str) -> None:
    mine = vouching.identity("abc")
    Path(getattr(mine, missing)).unlink()

    with pytest.raises(IdentityUnusable, match=Path(getattr(mine, missing)).name):
        client_context(mine, CLOCK)


@pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_file_that_holds_no_certificate_is_named(vouching: Vouching, content: str) -> None:
    mine = vouching.identity("abc")
    Path(mine.certificate).write_text(content)

    with pytest.raises(IdentityUnusable, match=r"abc\.pem"):
        client_context(mine, CLOCK)


def test_a_certificate_for_clients_opens_no_port(vouching: Vouching) -> None:
    old = vouching.identity("abc", only_client=True)

    with pytest.raises(OwnCertificateForClients):
        server_context(old, CLOCK)
    assert client_context(old, CLOCK).get_ca_certs()
