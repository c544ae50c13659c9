"""Texts as obstore printed them; what clouds say that could not be had is from their manuals."""

import pytest

from holdfast.base.errors import HoldfastError, Retry
from holdfast.storage.errors import (
    CertificateRefused,
    ClockWrong,
    ContainerMissing,
    CredentialsMissing,
    CredentialsWrong,
    FileExists,
    FileMissing,
    StorageDenied,
    StorageFull,
    StorageIncapable,
    StorageThrottled,
    StorageUnavailable,
    StorageUnreachable,
)
from holdfast.storage.object_errors import read_cause, read_reason


def _replied(status: int, code: str, message: str = "Words.", detail: str = "") -> str:
    return (
        f"Generic S3 error: Error performing PUT http://127.0.0.1:9/tls-certificate/x in 2.5ms - "
        f'Server returned non-2xx status code: {status} Some Status: <?xml version="1.0"?>\n'
        f"<Error>\n  <Code>{code}</Code>\n  <Message>{message}\nRequestId:1</Message>{detail}\n"
        "</Error>\n\nDebug source:\nGeneric {\n    source: RetryError(…),\n}"
    )


def _network(kind: str, cause: str) -> str:
    return (
        "Generic S3 error: Error performing GET http://host/SlowDown/x in 1ms - HTTP error: "
        "error sending request\n\nDebug source:\nGeneric {\n  inner: Http(\n    HttpError {\n"
        f"      kind: {kind},\n      source: reqwest::Error {{\n        kind: Request,\n"
        f"        source: {cause}"
    )


_DATE = "<AuthenticationErrorDetail>Request date header too old: 'Fri'</AuthenticationErrorDetail>"
_MAC = (
    "<AuthenticationErrorDetail>The MAC signature found in the HTTP request 'x' is not the same as "
    "any computed signature. Server used following string to sign: 'GET\nx-ms-date:Fri'.\n"
    "</AuthenticationErrorDetail>"
)
_SAS = (
    "<AuthenticationErrorDetail>Signature not valid in the specified time frame: Start [x] - "
    "Expiry [y] - Current [z]</AuthenticationErrorDetail>"
)
_METADATA = (
    "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 4.9ms - "
    "Server returned non-2xx status code: 403 Forbidden: no"
)
_GCS_TOKEN = (
    "Generic GCS error: Error performing token request: Error performing POST "
    "https://oauth2.googleapis.com/token in 1ms - Server returned non-2xx status code: 400 Bad "
    'Request: {"error":"invalid_grant","error_description":"Invalid JWT: Token must be a '
    'short-lived token (60 minutes) and in a reasonable timeframe."}'
)


@pytest.mark.parametrize(
    ("text", "vendor_class", "expected"),
    [
        (_replied(403, "RequestTimeTooSkewed"), "PermissionDeniedError", ClockWrong),
        (_replied(403, "AuthenticationFailed", detail=_DATE), "PermissionDeniedError", ClockWrong),
        (_GCS_TOKEN, "GenericError", ClockWrong),
        (_replied(403, "AuthenticationFailed", detail=_MAC), "GenericError", CredentialsWrong),
        (_replied(403, "AuthenticationFailed", detail=_SAS), "GenericError", CredentialsWrong),
        (_replied(403, "SignatureDoesNotMatch"), "PermissionDeniedError", CredentialsWrong),
        (_replied(403, "InvalidAccessKeyId"), "PermissionDeniedError", CredentialsWrong),
        (_replied(401, "Whatever"), "UnauthenticatedError", CredentialsWrong),
        (_replied(403, "AccessDenied"), "PermissionDeniedError", StorageDenied),
        (_replied(403, "AuthorizationPermissionMismatch"), "GenericError", StorageDenied),
        (_METADATA, "GenericError", CredentialsMissing),
        (
            "Generic MicrosoftAzure error: Account must be specified",
            "GenericError",
            CredentialsMissing,
        ),
        (
            "Generic MicrosoftAzure error: Invalid Access Key: Invalid symbol 33, offset 0.",
            "GenericError",
            CredentialsWrong,
        ),
        (_replied(404, "NoSuchBucket"), "FileNotFoundError", ContainerMissing),
        (_replied(404, "ContainerNotFound"), "GenericError", ContainerMissing),
        (_replied(404, "NoSuchKey"), "FileNotFoundError", FileMissing),
        (_replied(409, "BlobAlreadyExists"), "AlreadyExistsError", FileExists),
        (_replied(412, "PreconditionFailed"), "AlreadyExistsError", FileExists),
        (_replied(409, "ConditionalRequestConflict"), "AlreadyExistsError", StorageUnavailable),
        (_replied(503, "SlowDown"), "GenericError", StorageThrottled),
        (_replied(503, "ServerBusy"), "GenericError", StorageThrottled),
        (_replied(429, "X"), "GenericError", StorageThrottled),
        (_replied(507, "X"), "GenericError", StorageFull),
        (_replied(403, "QuotaExceeded"), "PermissionDeniedError", StorageFull),
        (_replied(501, "NotImplemented"), "GenericError", StorageIncapable),
        (_replied(500, "InternalError"), "GenericError", StorageUnavailable),
        (
            _network("Connect", 'ConnectError(\n "dns error",\n error: "failed to lookup x",'),
            "GenericError",
            StorageUnreachable,
        ),
        (_network("Timeout", "TimedOut,"), "GenericError", StorageUnreachable),
        (
            _network("Connect", "InvalidCertificate(\n  UnknownIssuer,\n)"),
            "GenericError",
            CertificateRefused,
        ),
        ("something never seen", "GenericError", StorageUnavailable),
    ],
)
def test_a_text_has_one_meaning(
    text: str, vendor_class: str, expected: type[HoldfastError]
) -> None:
    assert read_cause(text, vendor_class=vendor_class) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (_replied(403, "AccessDenied", "Access Denied."), "Access Denied."),
        (_replied(403, "AuthenticationFailed", detail=_DATE), "Request date header too old: 'Fri'"),
        (_network("Connect", 'message: "Connection refused",'), "Connection refused"),
        (_network("Timeout", "TimedOut,"), "no answer in time"),
        (_network("Connect", "InvalidCertificate(\n   UnknownIssuer,"), "UnknownIssuer"),
        (
            _network("Connect", "InvalidCertificate(\n Other(\n OtherError(\n CaUsedAsEndEntity,"),
            "CaUsedAsEndEntity",
        ),
        ("Account must be specified\n\nDebug source:\nGeneric", "Account must be specified"),
    ],
)
def test_a_reason_is_one_line_for_people(text: str, reason: str) -> None:
    assert read_reason(text) == reason


def test_a_reason_shows_no_secret() -> None:
    text = "GET https://a.b/c?sv=1&sig=abc%2B with key k3y= and sig=abc refused\nmore"

    reason = read_reason(text, secrets=("k3y=", "k3y"))

    assert reason == "GET https://a.b/c with key *** and sig=*** refused"


def test_a_reason_is_short() -> None:
    assert len(read_reason("x" * 5000)) == 200


def test_only_what_may_pass_is_tried_again() -> None:
    again = {StorageUnavailable, StorageUnreachable, StorageThrottled}

    assert {kind.retry for kind in again} == {Retry.LATER}
    assert ClockWrong.retry is CredentialsWrong.retry is StorageFull.retry is Retry.NEVER
