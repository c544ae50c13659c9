"""What a cloud's error text means; pure, so that every text ever seen can be a test case.

The text is all there is: obstore gives one class to nearly everything, but it prints the server's
reply and, further down, the whole chain of causes.
"""

import re
from collections.abc import Iterable

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
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

_Kind = type[HoldfastError]

# The words of Azure, S3 and GCS in <Code> of an XML reply or "error" of a JSON one.
_BY_CODE: dict[str, _Kind] = {
    "RequestTimeTooSkewed": ClockWrong,
    "RequestExpired": ClockWrong,
    "NoSuchBucket": ContainerMissing,
    "ContainerNotFound": ContainerMissing,
    "ContainerBeingDeleted": ContainerMissing,
    "AuthenticationFailed": CredentialsWrong,
    "AuthorizationFailure": CredentialsWrong,
    "AuthorizationHeaderMalformed": CredentialsWrong,
    "ExpiredToken": CredentialsWrong,
    "InvalidAccessKeyId": CredentialsWrong,
    "InvalidAuthenticationInfo": CredentialsWrong,
    "InvalidSecurity": CredentialsWrong,
    "InvalidToken": CredentialsWrong,
    "NoAuthenticationInformation": CredentialsWrong,
    "SignatureDoesNotMatch": CredentialsWrong,
    "TokenRefreshRequired": CredentialsWrong,
    "invalid_client": CredentialsWrong,
    "invalid_grant": CredentialsWrong,
    "unauthorized_client": CredentialsWrong,
    "AccountIsDisabled": StorageDenied,
    "InsufficientStorage": StorageFull,
    "QuotaExceeded": StorageFull,
    "XMinioStorageFull": StorageFull,
    # Two writers at once, and neither has won yet.
    "ConditionalRequestConflict": StorageUnavailable,
    "OperationAborted": StorageUnavailable,
    "ServerBusy": StorageThrottled,
    "SlowDown": StorageThrottled,
    "SlowDownRead": StorageThrottled,
    "SlowDownWrite": StorageThrottled,
    "TooManyRequests": StorageThrottled,
    "NotImplemented": StorageIncapable,
}
_BY_STATUS: dict[int, _Kind] = {
    401: CredentialsWrong,
    403: StorageDenied,
    429: StorageThrottled,
    501: StorageIncapable,
    503: StorageThrottled,
    507: StorageFull,
}
_BY_VENDOR_CLASS: dict[str, _Kind] = {
    "AlreadyExistsError": FileExists,
    "FileNotFoundError": FileMissing,
    "PermissionDeniedError": StorageDenied,
    "UnauthenticatedError": CredentialsWrong,
    "NotSupportedError": StorageIncapable,
    "NotImplementedError": StorageIncapable,
}

_CODE = re.compile(r"<Code>(\w+)</Code>|\"error\": ?\"(\w+)\"")
_STATUS = re.compile(r"status code: (\d{3})")
# Asked only when no credentials were given: the addresses of the clouds' metadata services.
_METADATA = re.compile(r"//(169\.254\.\d+\.\d+|metadata\.google\.internal)")
# Azure calls every login failure by one name, and tells a wrong clock in its explanation.
_CLOCK_WORDS = re.compile(r"[Dd]ate header|reasonable timeframe|not yet valid")
_TLS = re.compile(
    r"(?:InvalidCertificate|InvalidMessage|AlertReceived)\((?:\s*Other\w*\()*\s*(\w+)"
)
_NETWORK = re.compile(r"kind: (?:Connect|Request|Timeout|Interrupted),|error sending request")
_SETTINGS = re.compile(r"must be specified|Missing \w+|No credential")
_BROKEN_KEY = re.compile(r"Invalid Access Key|credential error")

_DETAIL = re.compile(r"<AuthenticationErrorDetail>([^<\n]+)")
_SERVER_WORDS = re.compile(r"<Message>([^<\n]+)|\"error_description\": ?\"([^\"\\]+)")
_SYSTEM_WORDS = re.compile(r"(?:message|error): \"([^\"]+)\"")
_URL = re.compile(r"(https?://[^\s\"'<>)?]*)[^\s\"'<>)]*")
_SIGNATURE = re.compile(r"\b(sig|X-Amz-Signature|access_token)=[^\s&]+", re.IGNORECASE)
_LONGEST = 200


def read_cause(text: str, *, vendor_class: str) -> _Kind:
    """The class that says what this text is about."""
    code, status = _found(_CODE, text), _found(_STATUS, text)
    if _METADATA.search(text) or _SETTINGS.search(text):
        return CredentialsMissing
    kind = _BY_CODE.get(code) or _BY_STATUS.get(int(status or 0))
    if kind is CredentialsWrong and _CLOCK_WORDS.search(text):
        return ClockWrong
    if kind is None and _TLS.search(text):
        return CertificateRefused
    if kind is None and not status and _NETWORK.search(text):
        return StorageUnreachable
    if kind is None and _BROKEN_KEY.search(text):
        return CredentialsWrong
    return kind or _BY_VENDOR_CLASS.get(vendor_class, StorageUnavailable)


def read_reason(text: str, *, secrets: Iterable[str] = ()) -> str:
    """One line for people: what the server or the network said, without a secret."""
    first_line = text.partition("\n")[0].partition(": <?xml")[0]
    server_words = _found(_DETAIL, text) or _found(_SERVER_WORDS, text)
    line = server_words or _network_words(text) or first_line
    for secret in sorted(secrets, key=len, reverse=True):
        line = line.replace(secret, "***")
    # A shared access signature is the query of a URL.
    line = _SIGNATURE.sub(r"\1=***", _URL.sub(r"\1", line)).strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _network_words(text: str) -> str:
    if _found(_STATUS, text):
        return ""
    if "kind: Timeout" in text or "source: TimedOut" in text:
        return _("no answer in time")
    return _found(_TLS, text) or _found(_SYSTEM_WORDS, text)


def _found(pattern: re.Pattern[str], text: str) -> str:
    """The first group that took part, or nothing."""
    match = pattern.search(text)
    return match[match.lastindex or 0] if match else ""
