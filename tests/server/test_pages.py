"""The pages: what they show, that nothing of it is markup, and that a browser takes them."""

from __future__ import annotations

import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

import pytest

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.server.pages.frame import duration, number, size
from mlflow.server.pages.markup import Html, curve, tag
from mlflow.store.tracking.resolve import tracking_store

NASTY = "<script>alert('x')</script>\"&"


class Seen(HTMLParser):
    """What a page holds, as a browser reads it."""

    def __init__(self, text: str):
        super().__init__()
        self.text, self.links, self.tags, self.open = "", {}, [], []
        self.attributes = []
        self._link = None
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, name, attrs):
        self.tags.append(name)
        self.attributes += [key for key, _ in attrs]
        if name not in ("meta", "link", "input"):
            self.open.append(name)
        if name == "a":
            self._link = dict(attrs)["href"]
            self.links[self._link] = ""

    def handle_endtag(self, name):
        assert self.open.pop() == name
        if name == "a":
            self._link = None

    def handle_data(self, data):
        self.text += data
        if self._link:
            self.links[self._link] += data


class Site:
    def __init__(self, server):
        self.server = server
        self.store = tracking_store(server.uri)

    def get(self, path: str, status: int = 200) -> Seen:
        url = self.server.uri + path
        try:
            with urllib.request.urlopen(url) as answer:
                found, headers, text = answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            found, headers, text = error.code, error.headers, error.read().decode()
        assert found == status, text
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy and "script-src 'self';" in policy
        assert headers["content-type"] == "text/html; charset=utf-8"
        page = Seen(text)
        assert page.tags.count("script") == 1  # the one that follows links with a #
        assert not {"style", "iframe", "object", "img"} & set(page.tags)
        assert not [a for a in page.attributes if a.startswith("on") or a == "style"]
        return page


@pytest.fixture(scope="module")
def site(shared_server) -> Site:
    return Site(shared_server)


@pytest.fixture
def experiment(site) -> str:
    import uuid

    return site.store.create_experiment(f"pages-{uuid.uuid4().hex}", None, [])


def make_run(site, experiment, name, start=1_700_000_000_000, **logged) -> str:
    run = site.store.create_run(experiment, "ada", start, logged.pop("tags", []), name)
    metrics = [Metric(k, v, start, 0) for k, v in logged.pop("metrics", {}).items()]
    params = [Param(k, v) for k, v in logged.pop("params", {}).items()]
    site.store.log_batch(run.info.run_id, metrics, params, [])
    return run.info.run_id


def search(experiment: str, **query: str) -> str:
    return f"/experiments/{experiment}?{urllib.parse.urlencode(query)}"


def test_experiments(site, experiment):
    name = site.store.get_experiment(experiment).name
    page = site.get("/")
    assert page.links[f"/experiments/{experiment}"] == name
    assert page.links["/experiments/0"] == "Default"
    found = site.get("/?" + urllib.parse.urlencode({"q": f"name = '{name}'"}))
    assert [href for href in found.links if href.startswith("/experiments/")] == [
        f"/experiments/{experiment}"
    ]
    site.store.delete_experiment(experiment)
    assert f"/experiments/{experiment}" not in site.get("/").links
    assert f"/experiments/{experiment}" in site.get("/?view=deleted").links


def test_runs_of_an_experiment(site, experiment):
    first = make_run(site, experiment, "first", metrics={"loss": 0.123456789}, params={"lr": "0.1"})
    make_run(site, experiment, "second", metrics={"loss": 2.0}, params={"lr": "0.2"})
    page = site.get(f"/experiments/{experiment}")
    assert page.links[f"/runs/{first}"] == "first"
    for shown in ("loss", "0.12346", "lr", "0.1", "Running", "2023-11-14 22:13"):
        assert shown in page.text


def test_search_box(site, experiment):
    first = make_run(site, experiment, "first", metrics={"loss": 1})
    second = make_run(site, experiment, "second", metrics={"loss": 2})
    page = site.get(search(experiment, q="metrics.loss > 1.5"))
    assert f"/runs/{second}" in page.links and f"/runs/{first}" not in page.links
    page = site.get(search(experiment, order_by="metrics.loss ASC"))
    assert page.text.index("first") < page.text.index("second")
    assert "No run fits." in site.get(search(experiment, q="metrics.loss > 9")).text
    site.store.delete_run(first)
    assert f"/runs/{first}" in site.get(search(experiment, view="deleted")).links


def test_wrong_filter_is_explained_at_its_place(site, experiment):
    page = site.get(search(experiment, q="params.a = 'x' and nope = 'y'"), status=400)
    assert "Invalid attribute key 'nope' specified" in page.text
    lines = page.text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip().startswith("^"))
    assert lines[at - 1][lines[at].index("^") :].startswith("nope")
    assert "form" in page.tags


def test_headers_sort(site, experiment):
    make_run(site, experiment, "first", metrics={"val loss/x": 1, "plain loss": 1})
    page = site.get(f"/experiments/{experiment}")
    for name in ("plain loss", "val loss/x", "Name", "Created"):
        link = next(href for href, text in page.links.items() if text == name)
        once = site.get(link)
        assert "first" in once.text
        twice = next(href for href, text in once.links.items() if text == name)
        assert twice == link.replace("DESC", "ASC") != link


def test_pages_of_runs(site, experiment):
    for n in range(105):
        make_run(site, experiment, f"run{n:03}", start=n)
    page, seen = site.get(search(experiment, q="attributes.status = 'RUNNING'")), []
    seen += [text for text in page.links.values() if text.startswith("run")]
    following = next(href for href, text in page.links.items() if text == "Next page")
    last = site.get(following)
    seen += [text for text in last.links.values() if text.startswith("run")]
    assert seen == [f"run{n:03}" for n in reversed(range(105))]
    assert "Next page" not in last.links.values()
    first = next(href for href, text in last.links.items() if text == "First page")
    assert "run104" in site.get(first).text


def test_many_columns_are_cut_to_those_that_differ(site, experiment):
    same = {f"same{n:02}": 1.0 for n in range(10)}
    for n in (1, 2):
        make_run(site, experiment, f"run{n}", metrics={**same, "zz_differs": n})
    page = site.get(f"/experiments/{experiment}")
    assert "zz_differs" in page.text
    assert "3 more metrics on the pages of the runs." in page.text


def test_run(site, experiment):
    tags = [RunTag("team", "growth"), RunTag("mlflow.note.content", "line one\n  line two")]
    parent = make_run(site, experiment, "parent", metrics={"single": 0.5}, tags=tags)
    child = make_run(site, experiment, "child", tags=[RunTag("mlflow.parentRunId", parent)])
    points = [Metric("loss", 1 / (s + 1) + (5 if s == 777 else 0), s, s) for s in range(1000)]
    site.store.log_batch(parent, points, [], [])
    dataset = Dataset("iris", "ab12", "local", '{"uri": "/d.csv"}', None, '{"num_rows": 150}')
    site.store.log_inputs(
        parent, [DatasetInput(dataset, [InputTag("mlflow.data.context", "train")])]
    )
    page = site.get(f"/runs/{parent}")
    for shown in ("parent", parent, "single", "0.5", "growth", "line one\n  line two", "iris",
                  "train", "num_rows 150", "uri /d.csv", "step 0 to 999"):  # fmt: skip
        assert shown in page.text, shown
    assert "max 5.0013" in page.text  # the spike is drawn
    assert page.tags.count("svg") == 1  # a single point is no curve
    assert page.links[f"/runs/{child}"] == "child"
    assert f"/runs/{parent}" in site.get(f"/runs/{child}").links
    assert f"/experiments/{experiment}" in page.links


def test_artifacts_of_a_run(site, experiment, tmp_path):
    from mlflow.tracking.client import MlflowClient

    run_id = make_run(site, experiment, "files")
    client = MlflowClient(site.server.uri)
    name = "ü & <b>.txt"
    client.log_text(run_id, "x" * 1500, name)
    client.log_text(run_id, "deep", "folder/sub/deep.txt")
    page = site.get(f"/runs/{run_id}")
    assert "1.5 kB" in page.text
    link = next(href for href, text in page.links.items() if text == name)
    with urllib.request.urlopen(site.server.uri + link) as answer:
        assert answer.read() == b"x" * 1500
    for step in ("folder/", "sub/"):
        page = site.get(next(href for href, text in page.links.items() if text == step))
    assert "deep.txt" in page.links.values()
    up = next(href for href, text in page.links.items() if text == "..")
    assert "sub/" in site.get(up).links.values()
    for path in ("../..", "/etc", "%2e%2e/x"):
        bad = site.get(f"/runs/{run_id}?" + urllib.parse.urlencode({"path": path}))
        assert "Invalid path" in bad.text


def test_nothing_that_was_logged_is_markup(site):
    experiment = site.store.create_experiment(NASTY, None, [])
    site.store.create_experiment("markup", None, [])
    run_id = make_run(
        site, experiment, NASTY, params={"p": NASTY},
        tags=[RunTag("t", NASTY), RunTag("mlflow.note.content", NASTY),
              RunTag("mlflow.source.name", NASTY)],
    )  # fmt: skip
    dataset = Dataset(NASTY, "<b>", "local", NASTY, None, NASTY)
    site.store.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", NASTY)])])
    assert site.get("/").links[f"/experiments/{experiment}"] == NASTY
    assert site.get(f"/experiments/{experiment}").links[f"/runs/{run_id}"] == NASTY
    assert site.get(f"/runs/{run_id}").text.count(NASTY) >= 7
    wrong = site.get(search(experiment, q=NASTY, order_by=NASTY, view=NASTY), status=400)
    assert "<script>" in wrong.text
    site.store.delete_experiment(experiment)


def test_what_is_not_there(site):
    assert "Run with id=nope not found" in site.get("/runs/nope", status=404).text
    assert "99999" in site.get("/experiments/99999", status=404).text


def test_numbers_that_are_none(site, experiment):
    run_id = make_run(site, experiment, "odd", metrics={"nan": float("nan"), "inf": float("-inf")})
    odd = [float("nan"), float("inf"), 1.0, 1.0, 1e300, -1e300]
    site.store.log_batch(run_id, [Metric("curve", v, s, s) for s, v in enumerate(odd)], [], [])
    site.store.log_batch(run_id, [Metric("all", float("nan"), s, s) for s in range(3)], [], [])
    for text in (site.get(f"/runs/{run_id}").text, site.get(f"/experiments/{experiment}").text):
        assert "nan" in text
        assert "-∞" in text


def test_run_without_end_or_with_odd_times(site, experiment):
    for start in (0, 2**62, -5):
        run_id = make_run(site, experiment, "odd", start=start)
        site.get(f"/runs/{run_id}")
    site.get(f"/experiments/{experiment}")


def test_style_sheet(site):
    page = site.server.uri + "/"
    with urllib.request.urlopen(page) as answer:
        href = re.search(r'href="(/static-files/pages.css\?v=\w+)"', answer.read().decode())[1]
    with urllib.request.urlopen(site.server.uri + href) as answer:
        assert answer.headers["content-type"].startswith("text/css")
        assert b"light-dark(" in answer.read()


def test_chromium_shows_a_run(site, experiment, tmp_path):
    from tests.optional import missing

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing("chromium", "apt-get install chromium")
    run_id = make_run(site, experiment, "in-a-browser")
    points = [Metric("loss", 1 / (s + 1), s, s) for s in range(50)]
    site.store.log_batch(run_id, points, [], [])
    url = f"{site.server.uri}/runs/{run_id}"
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    options += ["--enable-logging=stderr", "--v=0", "--virtual-time-budget=2000", "--dump-dom"]
    done = subprocess.run([program, *options, url], capture_output=True, text=True, timeout=60)
    assert "in-a-browser" in done.stdout
    assert "<svg" in done.stdout
    assert "Content Security Policy" not in done.stderr  # it would name what was refused


def test_printed_link_leads_to_the_run(site, experiment, tmp_path):
    from tests.optional import missing

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing("chromium", "apt-get install chromium")
    run_id = make_run(site, experiment, "behind-a-hash")
    url = f"{site.server.uri}/#/experiments/{experiment}/runs/{run_id}"
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    options += ["--virtual-time-budget=3000", "--dump-dom"]
    done = subprocess.run([program, *options, url], capture_output=True, text=True, timeout=60)
    assert "<h1>behind-a-hash</h1>" in done.stdout


def test_tag_escapes():
    made = tag("a", "<b>", [1, Html("<i></i>"), None], href='"&', class_="c", hidden=True, id=None)
    assert made == '<a href="&quot;&amp;" class="c" hidden>&lt;b&gt;1<i></i></a>'


def test_curve_stays_in_its_frame():
    huge = 1.7e299
    points = [(0.0, -huge), (1.0, float("nan")), (2.0, huge), (2.0, 0.0), (2.0**62, float("inf"))]
    drawn = curve(points, "label", 100, 50)
    path = re.search(r' d="([^"]*)"', drawn)[1]
    assert path.count("M") == 2  # broken at the NaN
    for x, y in re.findall(r"([\d.-]+) ([\d.-]+)", path):
        assert 0 <= float(x) <= 100
        assert 0 <= float(y) <= 50
    assert "No finite value." in curve([(0, float("nan"))], "label", 100, 50)
    assert 'd="M4.0 46.0"' in curve([(1, 5)], "label", 100, 50)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456789, "0.12346"), (2.0, "2"), (1e20, "1e+20"), (float("nan"), "nan"),
        (1.7976931348623157e308, "∞"), (-1.7976931348623157e308, "-∞"), (123456789, "123456789"),
    ],
)  # fmt: skip
def test_numbers(value, shown):
    assert number(value) == shown


def test_durations_and_sizes():
    assert duration(1000, 1250) == "250 ms"
    assert duration(1000, 13_500) == "12.5 s"
    assert duration(1000, 126_000) == "2 min 5 s"
    assert duration(1000, 7_261_000) == "2 h 1 min"
    assert duration(5000, 1000) == "0 ms"
    assert duration(None, None) == ""
    assert [size(n) for n in (None, 0, 999, 1500, 2_340_000, 5 * 10**9)] == [
        "", "0 B", "999 B", "1.5 kB", "2.34 MB", "5 GB",
    ]  # fmt: skip
