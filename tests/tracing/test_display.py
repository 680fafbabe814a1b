"""Traces in notebooks, in a real IPython."""

from __future__ import annotations

import html
import re
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

import mlflow
from mlflow.tracing import display
from tests.optional import optional

CELL = "import mlflow\nfor n in range({}):\n    with mlflow.start_span('x'):\n        pass"


@pytest.fixture
def run_cell(shared_server, monkeypatch):
    """Runs a cell; what it shows, as the ids of traces in the URL of each frame."""
    optional("IPython")
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    mlflow.set_tracking_uri(shared_server.uri)
    mlflow.set_experiment("notebook")

    def run(cell):
        with capture_output() as captured:
            shell.run_cell(cell)
        found = []
        for shown in captured.outputs:
            if "text/html" in shown.data:
                (source,) = re.findall(r'src="([^"]*)"', shown.data["text/html"])
                ids = parse_qs(urlsplit(html.unescape(source)).query)["trace_id"]
                assert all(trace_id in shown.data["text/plain"] for trace_id in ids)
                found.append((html.unescape(source), ids))
        return found

    yield run
    shell.events.unregister("post_run_cell", display._show_those_of_cell)
    display._shell = None
    mlflow.tracing.enable_notebook_display()
    InteractiveShell.clear_instance()


def test_cell_shows_the_traces_that_it_made(run_cell, shared_server):
    ((url, ids),) = run_cell(CELL.format(3))
    assert url.startswith(f"{shared_server.uri}/static-files/lib/notebook-trace-renderer/")
    assert len(ids) == 3
    client = mlflow.tracing.client.TracingClient(shared_server.uri)
    assert len(client.store.batch_get_traces(ids)) == 3  # nothing has to be waited for
    assert run_cell("1 + 1") == []
    assert len(run_cell(CELL.format(1) + "\n1 / 0")[0][1]) == 1


def test_cell_shows_so_many_traces(run_cell, monkeypatch):
    assert len(run_cell(CELL.format(12))[0][1]) == 10
    monkeypatch.setenv("MLFLOW_MAX_TRACES_TO_DISPLAY_IN_NOTEBOOK", "2")
    assert len(run_cell(CELL.format(12))[0][1]) == 2


def test_trace_that_is_read_is_shown(run_cell):
    ((_, [trace_id]),) = run_cell(CELL.format(1))
    read = f"mlflow.MlflowClient().get_trace({trace_id!r}{{}})"
    assert [ids for _, ids in run_cell("a = " + read.format(""))] == [[trace_id]]
    assert run_cell("a = " + read.format(", display=False")) == []


def test_display_can_be_turned_off(run_cell):
    assert run_cell(CELL.format(1))
    assert run_cell("mlflow.tracing.disable_notebook_display()\n" + CELL.format(1)) == []
    assert run_cell("mlflow.tracing.enable_notebook_display()\n" + CELL.format(1))


def test_without_a_server_there_is_no_page_to_show(run_cell, tmp_path, monkeypatch):
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/own.db")
    mlflow.set_experiment("notebook")
    assert run_cell(CELL.format(1)) == []
    monkeypatch.setenv("MLFLOW_NOTEBOOK_TRACE_RENDERER_BASE_URL", "http://ann:secret@other:9/x/")
    ((url, _),) = run_cell(CELL.format(1))
    assert url.startswith("http://other:9/x/static-files/")


def test_page_for_frames_may_be_shown_by_others(shared_server):
    with urllib.request.urlopen(shared_server.uri + display._PAGE) as answer:
        assert answer.headers["x-frame-options"] is None


def test_trace_in_a_notebook(shared_server):
    with mlflow.start_span("x") as span:
        pass
    trace = mlflow.get_trace(span.trace_id)
    assert trace._repr_mimebundle_() is None  # no server
    mlflow.set_tracking_uri(shared_server.uri)
    shown = trace._repr_mimebundle_()
    assert shown["text/plain"] == repr(trace)
    assert f"trace_id={span.trace_id}&amp;experiment_id=0" in shown["text/html"]
