"""Texts from outside become typed places and names, or are refused."""

from __future__ import annotations

import os
import posixpath
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.location import Location, child_uri, quoted, split_uri, steps


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ()),
        ("", ()),
        (".", ()),
        ("a", ("a",)),
        ("a/b.txt", ("a", "b.txt")),
        ("a//b/", ("a", "b")),
        ("./a/./b", ("a", "b")),
        ("a b/%41#1?x", ("a b", "%41#1?x")),
        ("...", ("...",)),
        ("..a/b..", ("..a", "b..")),
        ("a:b.txt", ("a:b.txt",)),
        ("x/C:/y", ("x", "C:", "y")),
        ("~/x", ("~", "x")),
        ("100%", ("100%",)),
        ("．．/x", ("．．", "x")),
    ],
)
def test_steps_of_a_path_below_the_root(text, names):
    assert steps(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "..",
        "../a",
        "a/..",
        "a/../b",
        "/",
        "/etc/passwd",
        "//a",
        "%2e%2e/a",
        "%2E%2e",
        "%252e%252e/a",
        "a/%25252e%25252e/b",
        "%2fetc",
        "..\\a",
        "a\\..\\b",
        "..%5ca",
        "\\\\host\\share",
        "C:\\x",
        "c:/x",
        "C:",
        "file:/etc/passwd",
        "FILE:///etc",
        "a\0b",
        "a\nb",
        "a\rb",
        "/".join("a" * 300),
    ],
)
def test_steps_that_lead_elsewhere_are_refused(text):
    with pytest.raises(MlflowException, match="Invalid path") as e:
        steps(text)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


@given(st.text(max_size=40))
def test_steps_never_leave_the_root(text):
    try:
        names = steps(text)
    except MlflowException:
        return
    joined = posixpath.normpath(posixpath.join("/root", *names))
    assert (joined + "/").startswith("/root/")
    assert not any(name in ("", ".", "..") or "/" in name or "\0" in name for name in names)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), max_size=4))
def test_quoted_names_are_read_back_by_one_decoding(names):
    assert unquote(quoted(tuple(names))) == "/".join(names)


@pytest.mark.parametrize(
    ("text", "scheme", "authority", "path"),
    [
        ("/a/b", "", None, "/a/b"),
        ("a b%20#x?y", "", None, "a b%20#x?y"),
        ("file:///a%20b", "", None, "/a b"),
        ("file:/a/b", "", None, "/a/b"),
        ("file:a", "", None, "a"),
        ("FILE://localhost/a", "", None, "/a"),
        ("s3://bucket/k%20#?x", "s3", "bucket", "/k%20#?x"),
        ("S3://bucket", "s3", "bucket", "/"),
        ("mlflow-artifacts:/1/a", "mlflow-artifacts", None, "/1/a"),
        ("mlflow-artifacts:a", "mlflow-artifacts", None, "/a"),
        ("mlflow-artifacts://h:1/a", "mlflow-artifacts", "h:1", "/a"),
        ("http://h/a%20b%2541", "http", "h", "/a b%41"),
    ],
)
def test_location_is_parsed_once(text, scheme, authority, path):
    assert Location.parse(text) == Location(scheme, authority, path)


@pytest.mark.parametrize(
    "text",
    [
        "file:///a#b",
        "file:///a?b",
        "http://h/a?token=x",
        "https://h/a#b",
        "s3://b/a\nb",
        "/a\0b",
        "file:///a%00b",
        pytest.param("file://other/a", marks=pytest.mark.skipif(os.name == "nt", reason="a share")),
        pytest.param("C:\\a", marks=pytest.mark.skipif(os.name == "nt", reason="a drive")),
        pytest.param("file:///C:/a", marks=pytest.mark.skipif(os.name == "nt", reason="a drive")),
    ],
)
def test_location_that_means_nothing_here_is_refused(text):
    with pytest.raises(MlflowException) as e:
        Location.parse(text)
    assert e.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    ("uri", "below", "child"),
    [
        ("/a", ("b c", "%41"), "/a/b c/%41"),
        ("file:///a%20b", ("c#d",), "/a b/c#d"),
        ("s3://b/k", ("x#y", "z"), "s3://b/k/x#y/z"),
        ("mlflow-artifacts:/", ("x",), "mlflow-artifacts:/x"),
        ("http://h/a", ("b c", "%41"), "http://h/a/b%20c/%2541"),
        ("plugin://h/a?token=x", ("b",), "plugin://h/a/b?token=x"),
    ],
)
def test_child_uri_has_the_form_of_its_parent(uri, below, child):
    assert child_uri(uri, below) == child


@pytest.mark.parametrize(
    ("uri", "folder", "name"),
    [
        ("/a/b.txt", "/a", "b.txt"),
        ("b.txt", "", "b.txt"),
        ("/a/", "/a", ""),
        ("s3://b/k/x#y", "s3://b/k", "x#y"),
        ("s3://b", "s3://b/", ""),
        ("mlflow-artifacts:/1/a", "mlflow-artifacts:/1", "a"),
        ("runs:/1/a/b", "runs:/1/a", "b"),
        ("plugin://h/a/b?token=x", "plugin://h/a?token=x", "b"),
    ],
)
def test_split_uri(uri, folder, name):
    assert split_uri(uri) == (folder, name)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=20))
def test_file_uri_is_decoded_exactly_once(name):
    assert Location.parse("file:///root/" + quote(name)).path == "/root/" + name
