"""By command: the reference's own web UI, pointed at our server, gets no failing call for
experiments, runs, charts, artifacts, the registry and traces.

The reference serves its pages; whatever they ask of an API goes to our server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.conftest import needs_reference, reference_server_in
from tests.ui.browser import Site

_API = ("/ajax-api/", "/api/", "/graphql", "/get-artifact", "/model-versions/get-artifact")
#: What MLflow's server without accounts does not serve either.
_NOT_THERE_EITHER = ("/users/current",)
#: What pages of traces ask for that this server does not have: evaluation datasets.
_NOT_YET = ("POST /ajax-api/3.0/mlflow/datasets/search",)

#: Milliseconds without an answer after which a page has what it needs.
_QUIET = 2500

_PAGES = {
    "experiments": "#/experiments",
    "runs": "#/experiments/1/runs",
    "charts": "#/experiments/1/runs?compareRunsMode=CHART",
    "run": "#/experiments/1/runs/{baseline}",
    "metrics": "#/experiments/1/runs/{baseline}/model-metrics",
    "system": "#/experiments/1/runs/{baseline}/system-metrics",
    "artifacts": "#/experiments/4/runs/{every-kind}/artifacts",
    "compare": '#/compare-runs?runs=["{baseline}","{sweep}"]&experiments=["1"]',
    "metric": '#/metric/train%2Floss?runs=["{baseline}","{sweep}"]&experiments=["1"]',
    "logged-models": "#/experiments/1/models",
    "models": "#/models",
    "model": "#/models/churn",
    "version": "#/models/churn/versions/3",
    "overview": "#/experiments/11/overview",
    "traces": "#/experiments/11/traces",
    "trace": "#/experiments/11/traces?selectedEvaluationId={waterfall}",
    "sessions": "#/experiments/11/chat-sessions",
    "session": "#/experiments/11/chat-sessions/chat-07",
    "traces of a run": "#/experiments/1/runs/{baseline}/traces",
}


@pytest.fixture(scope="module")
def pages_of_reference(tmp_path_factory) -> Iterator[str]:
    """Where the reference serves its pages."""
    with reference_server_in(tmp_path_factory.mktemp("reference")) as uri:
        yield uri


@needs_reference
@pytest.mark.parametrize("name", _PAGES)
def test_no_call_fails(name: str, pages_of_reference: str, browser, site: Site) -> None:
    hash_ = _PAGES[name]
    for run in ("baseline", "sweep", "every-kind"):
        hash_ = hash_.replace(f"{{{run}}}", site.run(run))
    hash_ = hash_.replace("{waterfall}", site.seed.traces["waterfall"])
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    answers: list[tuple[str, int]] = []
    crashes: list[str] = []

    def answer(route) -> None:
        url = urlsplit(route.request.url)
        if not url.path.startswith(_API):
            return route.continue_()
        response = route.fetch(url=site.uri + url._replace(scheme="", netloc="").geturl())
        what = f"{route.request.method} {url.path}"
        if url.path == "/graphql":
            what += f" {json.loads(route.request.post_data)['operationName']}"
            if json.loads(response.body())["errors"]:
                what += f": {response.text()}"
                answers.append((what, 400))
        answers.append((what, response.status))
        route.fulfill(response=response)

    page.route("**/*", answer)
    page.on("pageerror", lambda error: crashes.append(str(error)))
    page.goto(f"{pages_of_reference}/{hash_}")
    quiet_since = 0
    while len(answers) != quiet_since or not answers:  # it polls, so it is never idle for good
        quiet_since = len(answers)
        page.wait_for_timeout(_QUIET)
    page.unroute_all(behavior="ignoreErrors")
    page.close()
    assert len(answers) > 3, "the page asked for next to nothing"
    missing = (*_NOT_THERE_EITHER, *_NOT_YET)
    failed = [a for a in answers if a[1] >= 400 and not a[0].endswith(missing)]
    assert not failed
    assert not crashes
