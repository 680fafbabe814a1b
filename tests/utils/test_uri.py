import os

import pytest

from mlflow.exceptions import MlflowException
from mlflow.utils import uri as u

POSIX = pytest.mark.skipif(os.sep != "/", reason="paths as on POSIX systems")


@pytest.mark.parametrize(
    ("uri", "scheme"),
    [
        ("", ""),
        ("a/b", ""),
        ("C:\\a", ""),
        ("x:y", ""),
        ("file:a", "file"),
        ("S3://b", "s3"),
        ("mysql+pymysql://u@h/d", "mysql"),
        ("mlflow-artifacts:/a", "mlflow-artifacts"),
    ],
)
def test_scheme(uri, scheme):
    assert u.get_uri_scheme(uri) == scheme


@pytest.mark.parametrize(
    "uri", ["", "a", "/a/b", "file:a", "file:///a/b", "file://localhost/a", "a b", "uc"]
)
def test_local_uri(uri):
    assert u.is_local_uri(uri)


@pytest.mark.parametrize(
    "uri", ["s3://b/c", "http://h", "databricks", "databricks://p", "runs:/x", "sqlite:///x.db"]
)
def test_uri_that_is_not_local(uri):
    assert not u.is_local_uri(uri)


def test_directory_may_be_called_databricks():
    assert u.is_local_uri("databricks", is_tracking_or_registry_uri=False)


def test_file_uri_of_another_machine_is_refused():
    with pytest.raises(MlflowException, match="file://host/a is not a valid remote uri"):
        u.is_local_uri("file://host/a")


def test_kinds_of_uri():
    assert u.is_http_uri("https://h") and not u.is_http_uri("httpx")
    assert u.is_file_uri("file:a") and not u.is_file_uri("/a")
    assert u.is_models_uri("models:/m/1") and not u.is_models_uri("models")
    assert u.is_databricks_uri("databricks://p") and not u.is_databricks_uri("databricks-uc")
    assert u.is_databricks_unity_catalog_uri("databricks-uc")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("s3://b/c", "d"), "s3://b/c/d"),
        (("s3://b/c/", "/d"), "s3://b/c/d"),
        (("s3://b", "d", "e/f"), "s3://b/d/e/f"),
        (("s3://b/c?x=1#f", "d/e"), "s3://b/c/d/e?x=1#f"),
        (("/a/b", "c"), "/a/b/c"),
        (("", "a"), "a"),
        (("a", ""), "a/"),
        (("/", "a"), "/a"),
        (("file:///a", "b"), "file:///a/b"),
        (("file:a", "b"), "file:a/b"),
        (("mlflow-artifacts:/a", "b"), "mlflow-artifacts:/a/b"),
        (("mlflow-artifacts:", "b"), "mlflow-artifacts:b"),
        (("http://h/a%20b", "c%20d"), "http://h/a%20b/c%20d"),
        (("/a#b", "c"), "/a#b/c"),
    ],
)
def test_append_to_path(parts, expected):
    assert u.append_to_uri_path(*parts) == expected


def test_append_query_parameters():
    assert u.append_to_uri_query_params("http://h/p?x=1#f", ("a", "b c"), ("a", 3)) == (
        "http://h/p?x=1&a=b+c&a=3#f"
    )


@POSIX
def test_local_uri_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert u.resolve_uri_if_local("a b") == f"{tmp_path}/a b"
    assert u.resolve_uri_if_local("") == str(tmp_path)
    assert u.resolve_uri_if_local("file:a b") == f"file://{tmp_path}/a%20b"
    assert u.resolve_uri_if_local("file:/a/b") == "file:/a/b"
    assert u.resolve_uri_if_local("s3://b/c") == "s3://b/c"


@pytest.mark.parametrize(
    "path", ["a", "a/b", "", ".", "a:b", "a b", "a//b", "~/a", "..a", "a..b", "a?b", "%", "a\\b"]
)
def test_safe_path_passes(path):
    assert u.validate_path_is_safe(path) == path


def test_safe_path_is_decoded():
    assert u.validate_path_is_safe("a%252fb%20c") == "a/b c"


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../a",
        "a/..",
        "a/../b",
        "/a",
        "//a",
        "%2e%2e/a",
        "%252e%252e/a",
        "%2fa",
        "..\\a",
        "a\\..\\b",
        "\\a",
        "C:/a",
        "C:\\a",
        "file:///a",
        "a#b",
        "a%00b",
        "\0a",
    ],
)
def test_unsafe_path_is_refused(path):
    with pytest.raises(MlflowException, match="Invalid path") as refusal:
        u.validate_path_is_safe(path)
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_path_within_directory(tmp_path):
    inside = str(tmp_path / "a" / "b")
    assert u.validate_path_within_directory(str(tmp_path), inside) == inside
    assert u.validate_path_within_directory("/", inside) == inside
    with pytest.raises(MlflowException, match="resolved path is outside the artifact directory"):
        u.validate_path_within_directory(str(tmp_path / "a"), str(tmp_path / "ab"))


@POSIX
def test_link_out_of_the_directory_is_refused(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    with pytest.raises(MlflowException, match="outside"):
        u.validate_path_within_directory(
            str(tmp_path / "inside"), str(tmp_path / "inside" / "link" / "x")
        )


@pytest.mark.parametrize("query", ["a=..", "a=%2e%2e", "path=%252e%252e/x", "a=b&c=../d"])
def test_query_that_goes_up_is_refused(query):
    u.validate_query_string("a=/b&c=d")
    with pytest.raises(MlflowException, match="Invalid query string"):
        u.validate_query_string(query)
