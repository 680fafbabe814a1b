"""Long answers for browsers: gzip'd where that helps, and not sent to who has them."""

from __future__ import annotations

import gzip
import http.client
import json

import pytest

from mlflow.entities import Metric
from mlflow.rpc import all_rpcs
from mlflow.rpc.metrics import GetMetricCharts
from mlflow.server.packed_answers import packed, takes_gzip
from mlflow.tracking.client import MlflowClient


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("*;q=0.1", True),
        ("gzip ; q=0.001", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*, gzip;q=0", False),
        ("*;q=0", False),
        ("identity", False),
        ("x-gzip", False),
        ("br", False),
        ("", False),
    ],
)
def test_gzip_is_for_those_who_take_it(accepted, taken):
    assert takes_gzip(accepted) is taken
    answer = packed(b"x" * 5000, [(b"accept-encoding", accepted.encode())], tagged=False)
    assert ((b"content-encoding", b"gzip") in answer.headers) is taken
    assert (gzip.decompress(answer.body) if taken else answer.body) == b"x" * 5000
    assert (b"vary", b"Accept-Encoding") in answer.headers


def test_short_answers_are_sent_as_they_are():
    answer = packed(b"x" * 1000, [(b"accept-encoding", b"gzip")], tagged=False)
    assert answer.body == b"x" * 1000
    assert answer.headers == [(b"vary", b"Accept-Encoding")]


def test_only_gets_have_a_tag_and_it_follows_the_content():
    def tag(body: bytes, accepted: bytes = b"") -> bytes:
        return dict(packed(body, [(b"accept-encoding", accepted)], tagged=True).headers)[b"etag"]

    assert tag(b"a" * 2000) == tag(b"a" * 2000, b"gzip") != tag(b"b" * 2000)
    assert b"etag" not in dict(packed(b"a", [], tagged=False).headers)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_it_is_told_so(form):
    tag = dict(packed(b"a" * 2000, [], tagged=True).headers)[b"etag"].decode()
    strong = tag.removeprefix("W/")
    for asked in (form.format(strong), form.format(tag) if "W/" not in form else tag):
        answer = packed(b"a" * 2000, [(b"if-none-match", asked.encode())], tagged=True)
        assert (answer.status, answer.body) == (304, b"")
        assert (b"etag", tag.encode()) in answer.headers
    assert packed(b"b" * 2000, [(b"if-none-match", tag.encode())], tagged=True).status == 200


# -- over the wire -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def charts(shared_server) -> str:
    """A path whose answer is long."""
    client = MlflowClient(shared_server.uri)
    run_id = client.create_run("0").info.run_id
    client.log_batch(run_id, [Metric("loss", 1 / (i + 1), i, i) for i in range(300)])
    return f"/ajax-api/3.0/mlflow/metrics/charts?run_ids={run_id}&metric_keys=loss"


def ask(server, method: str, path: str, **headers: str):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    body = response.read()
    rest = connection.sock  # None: the server has closed it
    assert rest is not None, "an answer of a wrong length"
    connection.close()
    return response, body


def test_charts_are_compressed_and_tagged(shared_server, charts):
    plain, text = ask(shared_server, "GET", charts)
    small, body = ask(shared_server, "GET", charts, Accept_Encoding="gzip, br")
    assert plain.headers["Content-Encoding"] is None
    assert small.headers["Content-Encoding"] == "gzip"
    assert len(body) < len(text) / 2
    assert gzip.decompress(body) == text
    assert len(json.loads(text)["charts"][0]["points"]["value"]) == 300
    for response in (plain, small):
        assert "Accept-Encoding" in ", ".join(response.headers.get_all("Vary"))
        assert "Origin" in ", ".join(response.headers.get_all("Vary"))
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["ETag"] == plain.headers["ETag"]


def test_charts_that_the_browser_has_are_not_sent_again(shared_server, charts):
    tag = ask(shared_server, "GET", charts)[0].headers["ETag"]
    again, body = ask(shared_server, "GET", charts, If_None_Match=tag, Accept_Encoding="gzip")
    assert (again.status, body) == (304, b"")
    assert again.headers["ETag"] == tag
    run_id = charts.partition("run_ids=")[2].partition("&")[0]
    MlflowClient(shared_server.uri).log_metric(run_id, "loss", 0.5, step=1000)
    assert ask(shared_server, "GET", charts, If_None_Match=tag)[0].status == 200


def test_head_and_errors_are_well_formed(shared_server, charts):
    head, body = ask(shared_server, "HEAD", charts, Accept_Encoding="gzip")
    assert (head.status, body) == (200, b"")
    wrong, body = ask(shared_server, "GET", charts + "&axis=up", Accept_Encoding="gzip")
    assert wrong.status == 400
    assert json.loads(body)["error_code"] == "INVALID_PARAMETER_VALUE"
    assert wrong.headers["Content-Encoding"] is None and wrong.headers["ETag"] is None


def test_other_answers_are_left_alone(shared_server):
    client = MlflowClient(shared_server.uri)
    run_id = client.create_run("0", tags={"long": "x" * 4000}).info.run_id
    path = f"/ajax-api/2.0/mlflow/runs/get?run_id={run_id}"
    response, body = ask(shared_server, "GET", path, Accept_Encoding="gzip")
    assert len(body) > 4000
    assert response.headers["Content-Encoding"] is None and response.headers["ETag"] is None


def test_it_is_declared_for_what_browsers_ask():
    assert GetMetricCharts.compress
    private = [cls for cls in all_rpcs() if any("/ui/" in url for url in cls.endpoints[0].urls())]
    assert [cls.__name__ for cls in private if not cls.compress] == []
