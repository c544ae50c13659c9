from pathlib import Path

import pytest

from holdfast.base.errors import Exit
from holdfast.storage.credentials import Cloud
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import CredentialsMissing, LocationNotUnderstood
from holdfast.storage.location import (
    Kind,
    Location,
    open_storage,
    parse_location,
    read_bucket,
)
from holdfast.storage.object_store import ObjectStorage

AZURE = {"AZURE_STORAGE_ACCOUNT": "account", "AZURE_STORAGE_KEY": "c2VjcmV0"}


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("/backup/vault", Kind.DIRECTORY, "/backup/vault"),
        ("backup", Kind.DIRECTORY, "backup"),
        ("./s3-like", Kind.DIRECTORY, "./s3-like"),
        ("/with:colon", Kind.DIRECTORY, "/with:colon"),
        ("file:///backup/a%20b", Kind.DIRECTORY, "/backup/a b"),
        ("file://localhost/backup", Kind.DIRECTORY, "/backup"),
        ("memory:test", Kind.MEMORY, "test"),
        ("az://account/container/a/b", Kind.AZURE, "account/container/a/b"),
        ("s3://bucket", Kind.S3, "bucket"),
        ("S3://bucket/prefix/", Kind.S3, "bucket/prefix"),
        ("gs://bucket/prefix", Kind.GCS, "bucket/prefix"),
    ],
)
def test_a_location_is_read_as_typed(text: str, kind: Kind, path: str) -> None:
    assert parse_location(text) == Location(kind=kind, path=path)


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "ftp://host/x", "s3://", "s3:///prefix", "gs://bucket//x", "az://c/../d"),
        *("file://host/x", "s3:https://host/bucket", "azure:container:/", "sftp:user@host:/x"),
    ],
)
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(LocationNotUnderstood) as caught:
        parse_location(text)

    assert caught.value.exit_status == Exit.USAGE
    assert "s3://BUCKET/PREFIX" in caught.value.advice


@pytest.mark.parametrize(
    "text",
    ["s3://key:hunter2@bucket/x", "https://u:hunter2@host/x", "az://a/c?sv=1&sig=hunter2"],
)
def test_a_secret_in_a_location_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(LocationNotUnderstood) as caught:
        parse_location(text)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["/backup", "memory:x", "az://a/b/c", "s3://b/p", "gs://b"])
def test_a_location_prints_as_it_was_typed(text: str) -> None:
    assert str(parse_location(text)) == text


def test_a_folder_opens_as_directory(tmp_path: Path) -> None:
    storage = open_storage(parse_location(str(tmp_path)), {})

    assert isinstance(storage, DirectoryStorage)
    assert storage.place == str(tmp_path)


def test_a_memory_is_shared_by_its_name() -> None:
    open_storage(parse_location("memory:shared"), {}).put("config", b"x")

    assert open_storage(parse_location("memory:shared"), {}).get("config") == b"x"
    assert list(open_storage(parse_location("memory:else"), {}).list("")) == []


@pytest.mark.parametrize("text", ["az://account/box/p/q", "s3://box/p/q", "gs://box/p/q"])
def test_a_cloud_is_opened_without_being_asked(text: str) -> None:
    storage = open_storage(parse_location(text), {})

    assert isinstance(storage, ObjectStorage)
    assert storage.place == text


@pytest.mark.parametrize(
    ("text", "container", "prefix"),
    [
        ("az://account/box/p/q", "box", "p/q"),
        ("az://box/p/q", "box", "p/q"),
        ("az://box", "box", ""),
        ("az://account", "account", ""),
    ],
)
def test_an_azure_account_stands_in_the_location_or_outside(
    text: str, container: str, prefix: str
) -> None:
    bucket = read_bucket(parse_location(text), AZURE)

    assert (bucket.container, bucket.prefix) == (container, prefix)
    assert bucket.options["account_name"] == "account"


def test_an_azure_account_in_the_location_is_enough() -> None:
    bucket = read_bucket(parse_location("az://other/box/p"), {})

    assert (bucket.options["account_name"], bucket.container, bucket.prefix) == (
        "other",
        "box",
        "p",
    )
    assert bucket.url == "https://other.blob.core.windows.net"


def test_azure_without_an_account_says_what_to_set() -> None:
    with pytest.raises(CredentialsMissing) as caught:
        read_bucket(parse_location("az://box"), {})

    assert "AZURE_STORAGE_ACCOUNT" in caught.value.advice


def test_an_azure_connection_string_is_taken_apart() -> None:
    text = "DefaultEndpointsProtocol=https;AccountName=me;AccountKey=a2V5==;EndpointSuffix=x"

    bucket = read_bucket(parse_location("az://box"), {"AZURE_STORAGE_CONNECTION_STRING": text})

    assert bucket.options == {"account_name": "me", "account_key": "a2V5=="}
    assert bucket.secrets == ("a2V5==",)


def test_s3_settings_carry_the_names_of_its_own_tools() -> None:
    bucket = read_bucket(
        parse_location("s3://box/p"),
        {
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-north-1",
            "UNRELATED": "x",
        },
    )

    assert bucket.cloud is Cloud.S3
    assert bucket.options["region"] == "eu-north-1"
    assert "UNRELATED" not in bucket.options.values()
    assert "secret" not in repr(bucket)


@pytest.mark.parametrize(
    ("endpoint", "plain"),
    [
        ("http://127.0.0.1:9000", True),
        ("http://localhost:9000", True),
        ("http://[::1]:9000", True),
        ("http://storage.example:9000", False),
        ("https://127.0.0.1:9000", False),
    ],
)
def test_plain_http_is_for_this_machine_alone(endpoint: str, *, plain: bool) -> None:
    bucket = read_bucket(parse_location("s3://box"), {"AWS_ENDPOINT_URL": endpoint})

    assert bucket.is_plain_http is plain
