"""The page of these tests sees what goes wrong: else no other test here would mean anything."""

from __future__ import annotations

import pytest

from tests.ui.browser import Page, Site


@pytest.fixture
def plain(browser, site: Site):
    """A page that no fixture looks at afterwards, on a document without scripts of its own."""
    page = Page(browser, site)
    page.goto(f"{site.uri}/health")
    yield page
    page.close()


FAULTS = {
    "an error in the page": ("setTimeout(() => { throw new Error('oh no') })", "oh no"),
    "a promise nobody waits for": ("Promise.reject(new Error('never'))", "never"),
    "a console error": ("console.error('hm')", "hm"),
    "an answer that says no": ("fetch('/nowhere')", "answered 404: GET"),
    "a request to another origin": (
        "fetch('https://example.com/x').catch(() => 0)",
        "request to another origin: GET https://example.com/x",
    ),
    "a picture from another origin": (
        "document.body.append(Object.assign(new Image(), {src: 'https://example.com/a.png'}))",
        "request to another origin: GET https://example.com/a.png",
    ),
    "a dialog": ("setTimeout(() => alert('boo'))", "alert dialog: boo"),
    "a hostile script": ("window.pwned = 'it'", "a hostile script ran: it"),
    "a violation of the policy": (
        "{ const meta = document.createElement('meta');"
        "meta.httpEquiv = 'Content-Security-Policy'; meta.content = \"img-src 'none'\";"
        "document.head.append(meta);"
        "document.body.append(Object.assign(new Image(), {src: '/health'})) }",
        "CSP violation: img-src",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_problem(plain: Page, fault: str):
    script, said = FAULTS[fault]
    assert plain.problems() == []
    plain.evaluate(f"() => {{ {script} }}")
    plain.wait_for(lambda: any(said in problem for problem in plain.problems()))


def test_what_is_announced_is_no_problem(plain: Page):
    plain.expect_status(404, "/nowhere")
    assert plain.problems() == ["no answer 404 came from a URL with '/nowhere'"]
    plain.evaluate("() => fetch('/nowhere').then((answer) => answer.text())")
    assert plain.problems() == []
    plain.evaluate("() => fetch('/elsewhere').then((answer) => answer.text())")
    assert len(plain.problems()) == 1


def test_cpu_bytes_nodes_and_heap_are_measured(plain: Page):
    probe = plain.probe()
    plain.evaluate(
        """() => new Promise((done) => setTimeout(() => {
          let sum = 0
          for (let i = 0; i < 2e8; i++) sum += i % 7
          done(sum)
        }))"""
    )
    cost = probe.cost()
    assert 20 < cost.script <= cost.task
    probe.forget()
    assert probe.cost().script < 20
    before = probe.nodes()
    plain.evaluate("() => document.body.append(document.createElement('p'), 'text')")
    assert probe.nodes() == before + 2
    heap = probe.heap()
    plain.evaluate("() => { window.kept = Array.from({length: 1e6}, (_, i) => ({i})) }")
    assert probe.heap() > heap + 5_000_000
    plain.evaluate("() => { window.kept = null; Array.from({length: 1e6}, (_, i) => ({i})); 0 }")
    assert probe.heap() < heap + 5_000_000
    plain.evaluate("() => fetch('/health').then((answer) => answer.text())")
    plain.wait_for(lambda: any(url.endswith("/health") for url in probe.encoded))
    assert 100 < next(iter(probe.encoded.values())) < 5000


def test_the_seeded_store_has_what_it_says(site: Site):
    from mlflow.entities import ViewType

    client, ids = site.client, site.seed.experiments
    found = client.search_runs([ids["vision/churn"]], max_results=1000)
    assert len(found) == 41
    found = client.search_runs([ids["vision/churn"]], run_view_type=ViewType.DELETED_ONLY)
    assert {run.info.run_name for run in found} == {"deleted-1", "deleted-2"}
    best = client.search_runs([ids["bulk"]], order_by=["metrics.accuracy DESC"], max_results=1)
    assert best[0].info.run_name == "bulk-7777"
    history = client.get_registered_model_history("churn")
    assert {change.user for change in history} == {"ann", "bo", "Zoë"}
    champion = client.get_model_version_by_alias("churn", "champion")
    assert (champion.version, champion.current_stage) == ("3", "Production")
    model = client.get_logged_model(site.seed.models["classifier"])
    measured = {(m.key, m.dataset_name) for m in model.metrics if m.dataset_name}
    assert len(measured) == 4
    assert {file.path for file in client.list_artifacts(site.seed.runs["hostile"], "names")}
