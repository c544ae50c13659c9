"""Which variables name which setting of which cloud, in the words their own tools use."""

from collections.abc import Mapping
from enum import Enum


class Cloud(Enum):
    """Value: the class of obstore.store that speaks to it."""

    AZURE = "AzureStore"
    S3 = "S3Store"
    GCS = "GCSStore"


_AZURE = {
    "AZURE_STORAGE_ACCOUNT": "account_name",
    "AZURE_STORAGE_ACCOUNT_NAME": "account_name",
    "AZURE_STORAGE_KEY": "account_key",
    "AZURE_STORAGE_ACCOUNT_KEY": "account_key",
    "AZURE_STORAGE_SAS_TOKEN": "sas_key",
    "AZURE_STORAGE_TOKEN": "token",
    "AZURE_STORAGE_ENDPOINT": "endpoint",
    "AZURE_CLIENT_ID": "client_id",
    "AZURE_CLIENT_SECRET": "client_secret",
    "AZURE_TENANT_ID": "tenant_id",
    "AZURE_AUTHORITY_HOST": "authority_host",
    "AZURE_FEDERATED_TOKEN_FILE": "federated_token_file",
    "AZURE_USE_AZURE_CLI": "use_azure_cli",
}
_S3 = {
    "AWS_ACCESS_KEY_ID": "access_key_id",
    "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    "AWS_SESSION_TOKEN": "session_token",
    "AWS_DEFAULT_REGION": "region",
    "AWS_REGION": "region",
    "AWS_ENDPOINT_URL": "endpoint",
    "AWS_ENDPOINT_URL_S3": "endpoint",
    "AWS_ROLE_ARN": "role_arn",
    "AWS_ROLE_SESSION_NAME": "role_session_name",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "web_identity_token_file",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "container_credentials_relative_uri",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "container_credentials_full_uri",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "container_authorization_token_file",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "virtual_hosted_style_request",
}
_GCS = {
    "GOOGLE_APPLICATION_CREDENTIALS": "application_credentials",
    "GOOGLE_SERVICE_ACCOUNT": "service_account",
    "GOOGLE_SERVICE_ACCOUNT_KEY": "service_account_key",
    "GOOGLE_BEARER_TOKEN": "bearer_token",
    "GOOGLE_BASE_URL": "base_url",
}
_SETTINGS = {Cloud.AZURE: _AZURE, Cloud.S3: _S3, Cloud.GCS: _GCS}
_SECRET_SETTINGS = (
    "account_key",
    "sas_key",
    "token",
    "client_secret",
    "secret_access_key",
    "session_token",
    "service_account_key",
    "bearer_token",
)
_CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"
_CONNECTION_PARTS = {
    "AccountName": "account_name",
    "AccountKey": "account_key",
    "SharedAccessSignature": "sas_key",
    "BlobEndpoint": "endpoint",
}

# For a gateway; `rest_door` reads them.
_GATEWAY = (
    *("RESTIC_CACERT", "RESTIC_TLS_CLIENT_CERT", "HOLDFAST_TLS_CLIENT_KEY"),
    *("RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD"),
    *("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"),
)

# Everything the application has to collect for `open_storage`.
VARIABLES: tuple[str, ...] = (_CONNECTION_STRING, *_AZURE, *_S3, *_GCS, *_GATEWAY)

# What a person most likely sets, for the remedies.
USUAL_VARIABLES = {
    Cloud.AZURE: "AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_KEY",
    Cloud.S3: "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION",
    Cloud.GCS: "GOOGLE_APPLICATION_CREDENTIALS",
}


def read_options(cloud: Cloud, credentials: Mapping[str, str]) -> dict[str, str]:
    """The settings of one cloud; where two variables name the same, the later in our list wins."""
    options: dict[str, str] = {}
    if cloud is Cloud.AZURE:
        options |= _read_connection_string(credentials.get(_CONNECTION_STRING, ""))
    for variable, setting in _SETTINGS[cloud].items():
        if value := credentials.get(variable):
            options[setting] = value
    return options


def read_secrets(options: Mapping[str, str]) -> tuple[str, ...]:
    """The values that no message may show."""
    return tuple(options[setting] for setting in _SECRET_SETTINGS if setting in options)


def _read_connection_string(text: str) -> dict[str, str]:
    # Keys end in "=", so only the first one separates.
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    return {setting: parts[name] for name, setting in _CONNECTION_PARTS.items() if name in parts}
