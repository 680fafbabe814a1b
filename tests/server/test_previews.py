"""Rows of Parquet files, folders as zip files, and documents in frames: over HTTP."""

from __future__ import annotations

import http.client
import io
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.artifacts.conftest import s3_endpoint, s3_uri  # noqa: F401  (fixtures)
from tests.optional import optional
from tests.server.test_artifact_routes import (
    NAMES,
    SLASHES,
    UP,
    Answer,
    Served,
    send,
    serving,
    upload,
)

from mlflow.entities.file_info import FileInfo
from mlflow.server import zip_stream
from mlflow.server.artifact_places import Place
from mlflow.server.zip_stream import files_to_pack, safe_name, zipped
from mlflow.store.artifact.resolver import root_for_others
from mlflow.store.artifact.serving import LocalStorage

TABLE, ZIP, VIEW = (f"/ajax-api/ui/artifacts/{name}" for name in ("table", "zip", "view"))


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="module")
def run_id(served) -> str:
    return served.new_run()


def ask(server: Served, url: str, run_id: str, path: str | None = None, **query: object) -> Answer:
    query = {"run_id": run_id, **({"path": path} if path is not None else {}), **query}
    text = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in query.items())
    return server.ask("GET", f"{url}?{text}")


# -- tables ------------------------------------------------------------------------------------


def parquet_bytes(columns: dict, **options) -> bytes:
    pa, parquet = optional("pyarrow"), optional("pyarrow.parquet")
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def long_table(served, run_id) -> str:
    """10 000 rows in ten groups."""
    columns = {"i": list(range(10_000)), "text": [f"row {i}" for i in range(10_000)]}
    upload(served, run_id, "long.parquet", parquet_bytes(columns, row_group_size=1000))
    return "long.parquet"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, range(200)),
        ({"rows": 3}, range(3)),
        ({"rows": 0}, range(0)),
        ({"rows": 1000}, range(1000)),
        ({"rows": 4, "offset": 998}, range(998, 1002)),
        ({"rows": 1000, "offset": 1500}, range(1500, 2500)),
        ({"rows": 10, "offset": 9_995}, range(9_995, 10_000)),
        ({"offset": 10_000}, range(0)),
        ({"offset": (1 << 63) - 1}, range(0)),
    ],
)
def test_rows_of_a_table(served, run_id, long_table, query, expected):
    answer = ask(served, TABLE, run_id, long_table, **query)
    assert answer.status == 200
    assert answer.json == {
        "columns": [{"name": "i", "type": "int64"}, {"name": "text", "type": "string"}],
        "rows": [[i, f"row {i}"] for i in expected],
        "total": 10_000,
    }


def test_table_is_compressed_and_tagged(served, run_id, long_table):
    url = f"{TABLE}?run_id={run_id}&path={long_table}"
    answer = served.ask("GET", url, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    again = served.ask("GET", url, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


def test_every_kind_of_cell(served, run_id):
    pa = optional("pyarrow")
    columns = {
        "bool": [True, None],
        "double": [1.5, float("nan")],
        "infinite": [float("inf"), float("-inf")],
        "large": [2**53 + 1, -1],
        "bytes": [b"\x00\xff", None],
        "list": [[1, 2], None],
        "struct": [{"a": 1, "b": [b"\x01"]}, {"a": None, "b": None}],
        "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "decimal": pa.array([1, 2], pa.decimal128(5, 2)),
        "nanoseconds": pa.array([1, None], pa.timestamp("ns")),
        "zone": pa.array([0, 1], pa.timestamp("ms", tz="Europe/Berlin")),
        "far": pa.array([2**62, None], pa.timestamp("ms")),
        "date": pa.array([0, 1], pa.date32()),
        "words": pa.array(["a", "b"]).dictionary_encode(),
        "long": ["x" * 5000, "<script>"],
    }
    upload(served, run_id, "kinds.parquet", parquet_bytes(columns))
    found = ask(served, TABLE, run_id, "kinds.parquet").json
    names = [column["name"] for column in found["columns"]]
    first, second = (dict(zip(names, row)) for row in found["rows"])
    assert names == list(columns)
    assert first["bool"] is True and second["bool"] is None
    assert (first["double"], second["double"]) == (1.5, "NaN")
    assert (first["infinite"], second["infinite"]) == ("Infinity", "-Infinity")
    assert (first["large"], second["large"]) == (str(2**53 + 1), -1)
    assert (first["bytes"], second["bytes"]) == ("00ff", None)
    assert json.loads(first["list"]) == [1, 2] and second["list"] is None
    assert json.loads(first["struct"]) == {"a": 1, "b": ["01"]}
    assert json.loads(first["map"]) == [["k", 1]]
    assert first["decimal"] == "1.00"
    assert first["nanoseconds"] == "1970-01-01 00:00:00.000000001" and not second["nanoseconds"]
    assert first["zone"].startswith("1970-01-01 01:00:00")
    assert isinstance(first["far"], str) and second["far"] is None
    assert (first["date"], first["words"]) == ("1970-01-01", "a")
    assert len(first["long"]) == 2000 and first["long"].endswith("…")
    assert second["long"] == "<script>"


def test_columns_and_rows_beyond_measure_are_left_out_and_told(served, run_id):
    wide = {f"c{i}": [i] for i in range(600)}
    upload(served, run_id, "wide.parquet", parquet_bytes(wide))
    found = ask(served, TABLE, run_id, "wide.parquet").json
    assert len(found["columns"]) == len(found["rows"][0]) == 500
    assert found["columns_total"] == 600
    assert found["note"] == "Only the first 500 of 600 columns are shown."
    long = {f"c{i}": ["x" * 2000] * 1000 for i in range(10)}
    upload(served, run_id, "heavy.parquet", parquet_bytes(long))
    found = ask(served, TABLE, run_id, "heavy.parquet", rows=1000).json
    assert 100 < len(found["rows"]) < 1000
    assert f"Only {len(found['rows'])} rows at a time are shown" in found["note"]


def test_table_of_nothing(served, run_id):
    pa = optional("pyarrow")
    upload(served, run_id, "empty.parquet", parquet_bytes({"a": pa.array([], pa.int64())}))
    assert ask(served, TABLE, run_id, "empty.parquet").json == {
        "columns": [{"name": "a", "type": "int64"}],
        "rows": [],
        "total": 0,
    }


@pytest.mark.parametrize("damage", ["none of it", "cut", "flipped", "empty"])
def test_file_that_is_no_table(served, run_id, damage):
    whole = parquet_bytes({"a": list(range(1000))})
    content = {
        "none of it": b"a,b\n1,2\n",
        "cut": whole[: len(whole) // 2],
        "flipped": whole[:4] + bytes(byte ^ 0x55 for byte in whole[4:-8]) + whole[-8:],
        "empty": b"",
    }[damage]
    path = served.root_uri(run_id).removeprefix("mlflow-artifacts:/")
    served.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}/bad.parquet", content)
    status, code, message = ask(served, TABLE, run_id, "bad.parquet").error
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert message.startswith("'bad.parquet' cannot be read as a Parquet file: ")


@pytest.mark.parametrize("seed", range(40))
def test_damaged_tables_are_refused_or_read_but_never_break(served, run_id, seed):
    import random

    chance = random.Random(seed)
    content = bytearray(parquet_bytes({"a": list(range(500)), "b": [str(i) for i in range(500)]}))
    for _ in range(chance.randrange(1, 8)):
        content[chance.randrange(4, len(content))] = chance.randrange(256)
    upload(served, run_id, f"damaged{seed}.parquet", bytes(content))
    assert ask(served, TABLE, run_id, f"damaged{seed}.parquet").status in (200, 400)


def test_large_group_is_read_in_little_memory(tmp_path):
    """One group of 600 MB, as pandas would write it; 200 rows in its middle."""
    pa, parquet = optional("pyarrow"), optional("pyarrow.parquet")
    path = tmp_path / "large.parquet"
    rows = 300_000
    block = os.urandom(1000).hex()
    values = pa.array([f"{i} {block}" for i in range(rows)])
    parquet.write_table(
        pa.table({"i": range(rows), "text": values}),
        path,
        row_group_size=rows,
        use_dictionary=False,
        compression="zstd",
    )
    code = (
        "import resource, sys; from mlflow.server.parquet_rows import rows_of; "
        "from mlflow.store.artifact.serving import StoredFile; import pyarrow.parquet\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"file = StoredFile.of_file(open({str(path)!r}, 'rb', buffering=0), 'x')\n"
        "found = rows_of(file, 200, 150_000)\n"
        "assert [row[0] for row in found['rows']] == list(range(150_000, 150_200))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 150_000, f"{done.stdout} kB"


def test_table_without_pyarrow(served, run_id, long_table, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, code, message = ask(served, TABLE, run_id, long_table).error
    assert (status, code) == (500, "INVALID_STATE") or code == "INVALID_STATE"
    assert "pip install 'headrace[arrow]'" in message


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"path": "long.parquet", "rows": 1001}, "a number from 0 to 1000 is needed"),
        ({"path": "long.parquet", "rows": "x"}, "Invalid value 'x' for parameter 'rows'"),
        ({"path": "long.parquet", "offset": -1}, "Invalid value '-1' for parameter 'offset'"),
        ({"path": "long.parquet", "offset": 1 << 63}, "for parameter 'offset'"),
        ({"path": "long.parquet", "rows": "٣"}, "for parameter 'rows'"),
        ({}, "must specify path"),
        ({"path": "d/"}, "refers to a directory"),
        ({"path": "../x.parquet"}, "Invalid path"),
        ({"path": "long.parquet", "model_id": "m-1"}, "Exactly one of run_id and model_id"),
    ],
)
def test_refusals_of_tables(served, run_id, long_table, query, message):
    status, code, said = ask(served, TABLE, run_id, **query).error
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in said


@pytest.mark.parametrize("url", [TABLE, ZIP, VIEW])
def test_what_is_not_there(served, run_id, url):
    assert ask(served, url, "0" * 32, "a.html").error[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
    absent = ask(served, url, run_id, "nothing.html")
    assert absent.error[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
    assert served.ask("POST", url).status == 405
    assert served.ask("GET", f"{url}?path=x").status == 400
    model = served.ask("GET", f"{url}?model_id=m-{'0' * 32}&path=x.html")
    assert model.status == 404


# -- zip files -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(served, run_id) -> str:
    for path, content in {
        "d/a.txt": b"text " * 1000,
        "d/e/b.bin": bytes(range(256)) * 10,
        "d/e/empty": b"0",
        "d/é ü.json": b"{}",
    }.items():
        assert upload(served, run_id, path, content).status == 200
    return "d"


def test_folder_as_a_zip_file(served, run_id, folder):
    answer = ask(served, ZIP, run_id, folder)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == "attachment; filename=d.zip"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as found:
        assert found.testzip() is None
        content = {name: found.read(name) for name in found.namelist()}
        assert content == {
            "d/a.txt": b"text " * 1000,
            "d/e/": b"",
            "d/e/b.bin": bytes(range(256)) * 10,
            "d/e/empty": b"0",
            "d/é ü.json": b"{}",
        }
        assert found.getinfo("d/a.txt").compress_size < 500
        assert time.localtime()[0] - found.getinfo("d/a.txt").date_time[0] in (0, 1)
        assert found.getinfo("d/a.txt").external_attr >> 16 == 0o100644
    assert len(answer.body) < 5000


def test_all_of_a_run_is_named_as_the_run(served, run_id, folder):
    answer = ask(served, ZIP, run_id)
    name = served.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={run_id}").json["run"]["info"]
    with zipfile.ZipFile(io.BytesIO(answer.body)) as found:
        assert f"{name['run_name']}/d/e/b.bin" in found.namelist()
    assert answer.headers["content-disposition"] == (f"attachment; filename={name['run_name']}.zip")
    head = served.ask("HEAD", f"{ZIP}?run_id={run_id}&path={folder}")
    assert (head.status, head.body) == (200, b"")


def test_files_are_not_packed(served, run_id, folder):
    status, _, message = ask(served, ZIP, run_id, "d/a.txt").error
    assert (status, message) == (400, "'d/a.txt' is a file; only folders are packed.")


def test_model_and_its_files(served, run_id):
    model = served.rpc("logged-models", experiment_id="0", name="m")["model"]["info"]
    path = model["artifact_uri"].removeprefix("mlflow-artifacts:/")
    served.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}/MLmodel", b"x: 1")
    served.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}/a.html", b"<p>")
    answer = served.ask("GET", f"{ZIP}?model_id={model['model_id']}")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as found:
        assert found.namelist() == ["m/MLmodel", "m/a.html"]
    shown = served.ask("GET", f"{VIEW}?model_id={model['model_id']}&path=a.html")
    assert (shown.status, shown.body) == (200, b"<p>")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("plain.txt", "plain.txt"),
        ("..", "_"),
        ("", "_"),
        ("...", "_"),
        (". .", "_"),
        ("a\\..\\b", "a_.._b"),
        ("C:x", "C_x"),
        ("a/b", "a_b"),
        ("nul", "_nul"),
        ("COM1.txt", "_COM1.txt"),
        ("comma", "comma"),
        ("trailing. ", "trailing"),
        ("line\nbreak\0", "line_break_"),
        ('<>:"|?*', "_______"),
        ("\udcff", "_"),
        ("漢字" * 200, "漢字" * 33),
    ],
)
def test_safe_names(name, safe):
    assert safe_name(name) == safe


def packed(place: Place, *below: str, top: str = "top") -> zipfile.ZipFile:
    pieces = b"".join(zipped(place, below, files_to_pack(place, below), top))
    return zipfile.ZipFile(io.BytesIO(pieces))


def test_hostile_names_become_safe_and_stay_apart(tmp_path):
    """A folder that others can write to may hold names that no client of ours would send."""
    names = ["a\\..\\..\\x", "a_.._.._x", "A", "a", "CON", "x ", "x", "C:", "é", "..b"]
    for name in names:
        (tmp_path / name).write_text(name)
    (tmp_path / "dir.").mkdir()
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir." / "in").write_text("1")
    (tmp_path / "dir" / "in").write_text("2")
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "fifo")
    place = Place(LocalStorage(root_for_others(str(tmp_path))))
    with packed(place, top="../up") as found:
        entries = found.namelist()
        assert sorted(found.read(e).decode() for e in entries if not e.endswith("/")) == sorted(
            [*names, "1", "2"]
        )
    assert len({entry.casefold() for entry in entries}) == len(entries) == len(names) + 4
    for entry in entries:
        assert entry.startswith("_up/") or entry.startswith(".._up/"), entry
        parts = entry.rstrip("/").split("/")
        assert ".." not in parts and "\\" not in entry and ":" not in entry
        assert parts[-1] == parts[-1].rstrip(". ")


class Endless:
    """A storage of made-up files, to see what is read when."""

    repository = None

    def __init__(self, files: int, size: int):
        self.files, self.size = files, size
        self.read = 0
        self.open_files = 0

    def list(self, below):
        if below:
            return []
        return [FileInfo(f"f{i:06}", False, self.size) for i in range(self.files)]

    def open(self, below):
        from mlflow.store.artifact.serving import StoredFile

        def pieces(start, end):
            for _ in range(start, end, 1 << 20):
                self.read += 1 << 20
                yield bytes(1 << 20)

        self.open_files += 1
        return StoredFile(below[-1], self.size, 0.0, "", pieces, self._closed)

    def _closed(self):
        self.open_files -= 1


def test_zip_of_more_than_four_gigabytes():
    """Sizes of 64 bits, and nothing is held."""
    storage = Endless(2, 5 << 30)
    place = Place(storage)
    size = 0
    keep = b""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for piece in zipped(place, (), files_to_pack(place, ()), "top"):
        size += len(piece)
        assert len(piece) < 4 << 20
        keep = (keep + piece)[-1000:]
    assert size > 10 << 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert b"PK\x06\x06" in keep and b"PK\x06\x07" in keep  # the end, with 64 bits
    assert storage.open_files == 0


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr(zip_stream, "MOST_FILES", 10)
    with pytest.raises(Exception, match="has more than 10 files"):
        files_to_pack(Place(Endless(11, 1)), ())
    assert len(files_to_pack(Place(Endless(10, 1)), ())) == 10


def test_reading_stops_when_the_client_goes(tmp_path, monkeypatch):
    storage = Endless(1, 50 << 30)
    with serving(tmp_path) as server:
        run_id = server.new_run()
        monkeypatch.setattr(
            "mlflow.server.artifact_places.Places.of_uri", lambda self, uri: Place(storage)
        )
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(
                f"GET {ZIP}?run_id={run_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            )
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
            while not storage.open_files:
                client.recv(65536)
        end = time.monotonic() + 20
        while storage.open_files:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert storage.read < 1 << 30


def test_slow_client_makes_the_server_wait(tmp_path, monkeypatch):
    storage = Endless(1, 50 << 30)
    with serving(tmp_path) as server:
        run_id = server.new_run()
        monkeypatch.setattr(
            "mlflow.server.artifact_places.Places.of_uri", lambda self, uri: Place(storage)
        )
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            client.connect(("127.0.0.1", server.port))
            client.sendall(
                f"GET {ZIP}?run_id={run_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            )
            read = -1
            while read != storage.read or read <= 0:  # until it stands still
                read = storage.read
                threading.Event().wait(0.3)
            assert storage.read < 64 << 20


def test_file_that_goes_away_meanwhile_is_left_out(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    place = Place(LocalStorage(root_for_others(str(tmp_path))))
    files = files_to_pack(place, ())
    (tmp_path / "b").unlink()
    pieces = b"".join(zipped(place, (), files, "top"))
    assert zipfile.ZipFile(io.BytesIO(pieces)).namelist() == ["top/a", "top/c"]


def test_everything_from_s3(tmp_path, s3_uri):  # noqa: F811
    with serving(tmp_path, artifacts_destination=s3_uri) as server:
        run_id = server.new_run()
        upload(server, run_id, "d/e/a.txt", b"content" * 1000)
        upload(server, run_id, "d/x.html", b"<p>")
        upload(server, run_id, "t.parquet", parquet_bytes({"a": [1, 2, 3]}, row_group_size=2))
        with zipfile.ZipFile(io.BytesIO(ask(server, ZIP, run_id, "d").body)) as found:
            assert found.namelist() == ["d/e/", "d/e/a.txt", "d/x.html"]
            assert found.read("d/e/a.txt") == b"content" * 1000
        assert ask(server, TABLE, run_id, "t.parquet", offset=1).json["rows"] == [[2], [3]]
        shown = ask(server, VIEW, run_id, "d/x.html")
        assert (shown.status, shown.body) == (200, b"<p>")
        assert ask(server, ZIP, run_id, "d/x.html").status == 400
        assert ask(server, ZIP, run_id, "nothing").status == 404


# -- documents in frames ---------------------------------------------------------------------------

OWN = (
    "default-src 'none'; img-src data: blob:; media-src data: blob:; font-src data:; "
    "style-src 'unsafe-inline' data:; base-uri 'none'; form-action 'none'; "
)
SCRIPTS = "script-src 'unsafe-inline' 'unsafe-eval' blob: data:; worker-src blob:; "


@pytest.mark.parametrize("scripts", ["", "false", "1", "TRUE", "true"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.html", "text/html; charset=utf-8"),
        ("x.HTM", "text/html; charset=utf-8"),
        ("x.svg", "image/svg+xml"),
        ("x.pdf", "application/pdf"),
        ("x.js.html", "text/html; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("where", [None, "iframe", "frame", "object", "embed"])
def test_documents_for_a_frame(served, run_id, name, kind, scripts, where):
    upload(served, run_id, name, b"<script>1</script>")
    headers = {"Sec-Fetch-Dest": where} if where else {}
    url = f"{VIEW}?run_id={run_id}&path={name}&scripts={scripts}"
    answer = served.ask("GET", url, headers=headers)
    assert (answer.status, answer.body) == (200, b"<script>1</script>")
    found = answer.headers
    policy = f"sandbox; {OWN}"
    if scripts == "true" and kind != "application/pdf":
        policy = f"sandbox allow-scripts; {OWN}{SCRIPTS}"
    assert found["content-security-policy"] == f"{policy}frame-ancestors 'self'"
    assert found["content-type"] == kind
    assert found["content-disposition"] == f"inline; filename={name}"
    assert found["x-frame-options"] == "SAMEORIGIN"
    assert found["x-content-type-options"] == "nosniff"
    assert found["referrer-policy"] == "no-referrer"
    assert found["x-dns-prefetch-control"] == "off"
    known = served.ask("GET", url, headers={**headers, "If-None-Match": found["etag"]})
    assert (known.status, known.headers["content-security-policy"]) == (
        304,
        found["content-security-policy"],
    )
    part = served.ask("GET", url, headers={**headers, "Range": "bytes=0-3"})
    assert (part.status, part.body) == (206, b"<scr")
    assert part.headers["content-security-policy"] == found["content-security-policy"]


def test_caches_keep_them_apart(served, run_id):
    upload(served, run_id, "y.html", b"<script>1</script>")
    for where in ("document", "iframe"):
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        url = f"{VIEW}?run_id={run_id}&path=y.html"
        connection.request("GET", url, headers={"Sec-Fetch-Dest": where})
        response = connection.getresponse()
        assert set(response.headers.get_all("vary")) == {"Sec-Fetch-Dest", "Origin"}
        assert response.headers["cache-control"] == "no-cache"
        connection.close()


@pytest.mark.parametrize("where", ["document", "empty", "image", "script", "worker", "x"])
def test_documents_elsewhere_are_downloads(served, run_id, where):
    upload(served, run_id, "y.html", b"<script>1</script>")
    url = f"{VIEW}?run_id={run_id}&path=y.html&scripts=true"
    headers = served.ask("GET", url, headers={"Sec-Fetch-Dest": where}).headers
    assert headers["content-disposition"] == "attachment; filename=y.html"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize(
    "name",
    [
        *("x.xhtml", "x.xht", "x.xml", "x.xsl", "x.mhtml", "x.mht", "x.js", "x.mjs", "x.css"),
        *(
            "x.swf",
            "x.txt",
            "x.md",
            "x.png",
            "x",
            "html",
            "x.html.bak",
            "x.svgz",
            "x.hta",
            "x.json",
        ),
    ],
)
def test_other_kinds_are_not_for_frames(served, run_id, name):
    upload(served, run_id, name, b"<script>1</script>")
    answer = ask(served, VIEW, run_id, name, scripts="true")
    if name == "html":  # its own ending
        assert answer.headers["content-security-policy"].startswith("sandbox")
        return
    status, code, message = answer.error
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert message.endswith("cannot be shown in a frame; htm, html, pdf, svg can.")


@pytest.mark.parametrize(
    ("option", "ancestors"),
    [("SAMEORIGIN", "'self'"), ("DENY", "'self'"), ("NONE", "*")],
)
def test_who_may_frame_them(tmp_path, option, ancestors):
    """The UI itself, whatever the operator says; and whoever may frame the UI."""
    with serving(tmp_path, x_frame_options=option) as server:
        run_id = server.new_run()
        upload(server, run_id, "x.html", b"<p>")
        policy = ask(server, VIEW, run_id, "x.html").headers["content-security-policy"]
        assert policy.endswith(f"frame-ancestors {ancestors}")


@pytest.mark.parametrize("url", [TABLE, ZIP, VIEW, "/get-artifact"])
@pytest.mark.parametrize("end", ["x.html", "x.parquet", ""])
def test_no_path_leads_out(tmp_path_factory, guarded, url, end):
    server, run_id = guarded
    paths = {
        f"{start}{slash}{up}{slash}{name}"
        for start in ("", "d", "/")
        for slash in SLASHES[:6]
        for up in UP
        for name in ("secret", end)
    }
    paths |= {f"{name}/{end}" for name in NAMES} | {"/etc/passwd", "file:///etc/passwd", "C:/x"}
    for path in sorted(paths):
        status, body = send(server, "GET", f"{url}?run_id={run_id}&path={quote(path, '%')}")
        assert status < 500, (path, status, body)
        assert b"SECRET" not in body and b"root:" not in body, path
        if status == 200 and url == ZIP:
            with zipfile.ZipFile(io.BytesIO(body.partition(b"PK")[1] + body.partition(b"PK")[2])):
                pass


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that has secrets beside its store, and a run of it."""
    folder = tmp_path_factory.mktemp("guarded")
    for secret in ("secret", "x.html", "x.parquet", "outer/secret", "outer/x.html"):
        (folder / secret).parent.mkdir(parents=True, exist_ok=True)
        (folder / secret).write_text("SECRET")
    with serving(folder, artifacts_destination=str(folder / "outer" / "store")) as server:
        run_id = server.new_run()
        upload(server, run_id, "d/own.html", b"own")
        root = Path(server.folder, "outer", "store") / server.root_uri(run_id).partition(":/")[2]
        (root / "link.html").symlink_to(folder / "x.html")
        (root / "link.parquet").symlink_to(folder / "x.parquet")
        (root / "up").symlink_to(folder)
        yield server, run_id


@pytest.mark.parametrize("path", ["link.html", "link.parquet", "up/x.html", "up/x.parquet", "up"])
def test_links_are_not_followed(guarded, path):
    server, run_id = guarded
    for url in (TABLE, ZIP, VIEW):
        answer = ask(server, url, run_id, path)
        assert answer.status in (400, 404) and b"SECRET" not in answer.body
    with zipfile.ZipFile(io.BytesIO(ask(server, ZIP, run_id).body)) as found:
        assert [name.partition("/")[2] for name in found.namelist()] == ["d/", "d/own.html"]


# -- what get-artifact says of what pages show -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.png", "image/png"),
        ("x.jpg", "image/jpeg"),
        ("x.gif", "image/gif"),
        ("x.webp", "image/webp"),
        ("x.svg", "image/svg+xml"),
        ("x.mp3", "audio/mpeg"),
        ("x.ogg", "audio/ogg"),
        ("x.flac", "audio/flac"),
        ("x.m4a", "audio/mp4"),
        ("x.mp4", "video/mp4"),
        ("x.webm", "video/webm"),
        ("x.WEBP", "image/webp"),
    ],
)
def test_media_have_their_type_and_come_in_parts(served, run_id, name, kind, monkeypatch):
    import mimetypes

    from mlflow.store.artifact.media_type import guessed

    # as on a machine without a list of its own
    monkeypatch.setattr(mimetypes, "_db", mimetypes.MimeTypes(filenames=()))
    guessed.cache_clear()
    try:
        upload(served, run_id, name, b"0123456789")
        url = f"/get-artifact?run_id={run_id}&path={name}"
        answer = served.ask("GET", url, headers={"Range": "bytes=2-5"})
        assert (answer.status, answer.body) == (206, b"2345")
        assert answer.headers["content-type"] == kind
        assert answer.headers["accept-ranges"] == "bytes"
    finally:
        guessed.cache_clear()
