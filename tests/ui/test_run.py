"""The page of a run: its head, its tabs, what is edited in place, and what grows while it runs."""

from __future__ import annotations

import re
import time

import pytest

from tests.ui.browser import Page, Site, expect

CHURN = "#/experiments/1/runs/"


def open_run(page: Page, name: str, rest: str = "") -> Page:
    return page.open(page.site.run(name) + rest)


def head(page: Page):
    return page.get_by_role("main").locator("header")


def title(page: Page):
    """The run's; notes may have headings of the same level below it."""
    return page.get_by_role("heading", level=1).first


# Head


def test_the_head_says_what_the_run_is(page: Page):
    open_run(page, "baseline")
    expect(title(page)).to_have_text("baseline")
    for text in ("Finished", "42m 0s", "by ann", "train.py", "commit 3f2a9c1e on main"):
        expect(head(page)).to_contain_text(text)
    expect(head(page).get_by_role("link", name="3f2a9c1e")).to_have_attribute(
        "href", "https://example.com/team/churn"
    )
    crumbs = page.get_by_role("navigation", name="Where this is")
    expect(crumbs.get_by_role("link", name="vision/churn")).to_have_attribute(
        "href", "#/experiments/1"
    )


def test_ids_and_python_are_copied(make_page, site: Site):
    page = make_page(site, permissions=["clipboard-read", "clipboard-write"])
    run_id = site.seed.runs["baseline"]
    open_run(page, "baseline")
    copied = "() => navigator.clipboard.readText()"
    page.get_by_role("button", name="Copy run id", exact=True).click()
    page.wait_for(lambda: page.evaluate(copied) == run_id)
    page.get_by_role("button", name="Copy git commit").click()
    page.wait_for(lambda: page.evaluate(copied).startswith("3f2a9c1e5b7d"))
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="Copy Python that loads it").click()
    page.wait_for(lambda: f'mlflow.get_run("{run_id}")' in page.evaluate(copied))
    found: dict = {}
    exec(page.evaluate(copied).replace("run.data.params, run.data.metrics", ""), found)
    assert found["run"].data.params["batch_size"] == "64"


def test_duration_ticks_while_it_runs(page: Page):
    page.clock.install()
    open_run(page, "running")
    shown = head(page).get_by_text(re.compile(r"^\d+[mh] \d+[sm]$"))
    before = shown.inner_text()
    page.clock.run_for(61_000)  # beyond an hour it shows minutes
    expect(shown).not_to_have_text(before)


def test_names_of_all_kinds_are_text(page: Page):
    for name in ('<b>markup</b> & "quotes"', "näme-ünïcode-日本-🚀"):
        open_run(page, name)
        expect(title(page)).to_have_text(name)


def test_a_run_that_is_not_there(page: Page):
    page.expect_status(404, "runs/get")
    page.open(CHURN + "0" * 32)
    expect(page.get_by_role("main").get_by_text("There is no such run")).to_be_visible()


def test_renamed_in_place(own_page: Page):
    page = open_run(own_page, "prod-3")
    run_id = page.site.seed.runs["prod-3"]
    page.get_by_role("button", name="Rename this run").click()
    field = page.get_by_role("textbox", name="Name of this run")
    field.press("Escape")
    expect(title(page)).to_have_text("prod-3")
    page.get_by_role("button", name="Rename this run").click()
    field.fill("prod-3 <i>final</i>")
    field.press("Enter")
    expect(title(page)).to_have_text("prod-3 <i>final</i>")
    expect(page).to_have_title(re.compile("^prod-3 <i>final</i> · vision/churn"))
    page.wait_for(lambda: page.site.client.get_run(run_id).info.run_name == "prod-3 <i>final</i>")
    page.reload()
    expect(title(page)).to_have_text("prod-3 <i>final</i>")


def test_deleted_with_undo_and_restored(own_page: Page):
    page = open_run(own_page, "prod-3")
    run_id = page.site.seed.runs["prod-3"]

    def stage() -> str:
        return page.site.client.get_run(run_id).info.lifecycle_stage

    said = page.get_by_text("This run is deleted.")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(said).to_be_visible()
    page.wait_for(lambda: stage() == "deleted")
    page.get_by_role("button", name="Undo").click()
    expect(said).to_have_count(0)
    page.wait_for(lambda: stage() == "active")
    open_run(page, "deleted-1")
    expect(said).to_be_visible()
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(said).to_have_count(0)
    run_id = page.site.seed.runs["deleted-1"]
    page.wait_for(lambda: stage() == "active")


def test_children_and_parents_are_listed_and_lead_to_one_another(page: Page):
    open_run(page, "sweep")
    children = page.get_by_role("region", name="Children")
    expect(children.get_by_role("row")).to_have_count(7)
    for text in ("learning_rate", "val/accuracy", "128"):
        expect(children.get_by_text(text, exact=True).first).to_be_visible()
    expect(children.get_by_text("3 children").first).to_be_visible()
    children.get_by_role("link", name="cnn-lr=0.01", exact=True).click()
    expect(title(page)).to_have_text("cnn-lr=0.01")
    expect(page.get_by_role("region", name="Children").get_by_role("row")).to_have_count(4)
    head(page).get_by_role("link", name="sweep").click()
    expect(title(page)).to_have_text("sweep")
    page.page.go_back()
    expect(title(page)).to_have_text("cnn-lr=0.01")


def test_keys_go_to_the_runs_before_and_after(page: Page):
    open_run(page, "baseline", "/parameters")
    heading = title(page)
    page.keyboard.press("]")
    expect(heading).not_to_have_text("baseline")
    after = heading.inner_text()
    assert page.hash.endswith("/parameters"), "the tab stays"
    page.keyboard.press("[")
    expect(heading).to_have_text("baseline")
    page.get_by_role("button", name="Next run").click()
    expect(heading).to_have_text(after)


def test_the_order_is_that_of_the_list_one_came_from(page: Page):
    page.open("#/experiments/1?sort=-metrics.val/accuracy&flat=1&q=fold")
    page.open(page.site.run("cnn-lr=0.01/fold-1"), cold=False)
    expect(title(page)).to_have_text("cnn-lr=0.01/fold-1")
    page.keyboard.press("]")
    expect(title(page)).to_have_text("cnn-lr=0.01/fold-2")
    page.keyboard.press("[")
    expect(title(page)).to_have_text("cnn-lr=0.01/fold-1")
    page.keyboard.press("[")
    expect(page.get_by_text("This is the first run of the list")).to_be_visible()


def test_who_leaves_while_the_next_run_is_looked_for_stays_away(page: Page):
    open_run(page, "baseline")
    held = []
    page.route("**/ui/runs/find", lambda route: held.append(route))
    page.keyboard.press("]")
    page.wait_for(lambda: held)
    page.evaluate("() => (location.hash = '#/settings')")
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    held[0].continue_()
    page.settle()
    assert page.hash == "#/settings"


def test_the_palette_offers_nothing_of_other_words(page: Page):
    open_run(page, "baseline")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search everything")
    box.fill("prod-3")
    expect(page.get_by_role("option", name=re.compile("prod-3"))).to_be_visible()
    held = []
    page.route("**/ui/runs/find", lambda route: held.append(route))
    box.fill("prod-3 no such words")
    page.wait_for(lambda: held)
    expect(page.get_by_text("Nothing found")).to_be_visible()
    box.press("Enter")
    held[0].continue_()
    assert page.hash == page.site.run("baseline")


def test_compared_with_another_run(page: Page):
    open_run(page, "baseline")
    page.get_by_role("button", name="Compare with").click()
    page.get_by_role("searchbox", name="Find a run").fill("prod-3")
    page.get_by_role("button", name=re.compile("prod-3")).click()
    ids = page.site.seed.runs
    expect(page).to_have_url(re.compile(rf"#/compare-runs\?runs={ids['baseline']},{ids['prod-3']}"))


# Overview


def test_the_overview_says_what_matters(page: Page):
    open_run(page, "baseline")
    metrics = page.get_by_role("region", name="Metrics")
    row = metrics.get_by_role("row").filter(has_text="val/accuracy")
    for text in ("0.93", "299"):
        expect(row.get_by_text(text, exact=True).first).to_be_visible()
    expect(metrics.get_by_role("img", name="Curve of val/accuracy")).to_be_visible()
    expect(metrics.get_by_text("system/")).to_have_count(0)
    params = page.get_by_role("region", name="Parameters")
    expect(params.get_by_role("row").first).to_contain_text("usually")
    for name in ("config.optimizer.lr", "learning_rate"):
        expect(params.get_by_role("row", name=re.compile(rf"^{name}.*usually"))).to_be_visible()
    datasets = page.get_by_role("region", name="Datasets")
    for text in ("churn-train", "training", "rows 800, elements 2400"):
        expect(datasets.get_by_text(text, exact=True)).to_be_visible()
    datasets.get_by_text("3 columns").first.click()
    expect(datasets.get_by_role("row", name="tenure long").first).to_be_visible()
    models = page.get_by_role("region", name="Models")
    expect(models.get_by_role("link", name="churn v4")).to_have_attribute(
        "href", "#/models/churn/versions/4"
    )
    environment = page.get_by_role("region", name="Environment")
    expect(environment.get_by_text("https://example.com/team/churn.git")).to_be_visible()


def test_a_run_with_nothing_says_so(page: Page):
    open_run(page, "silent")
    expect(
        page.get_by_role("region", name="Metrics").get_by_text("None were logged.")
    ).to_be_visible()
    for tab, text in {
        "parameters": "No parameters",
        "metrics": "No metrics",
        "models": "No models",
    }.items():
        open_run(page, "silent", f"/{tab}")
        expect(page.get_by_role("heading", name=text, exact=True)).to_be_visible()


def test_the_note_is_rendered_and_its_hostile_parts_are_text(page: Page):
    open_run(page, "baseline")
    note = page.get_by_role("region", name="Note")
    expect(note.get_by_role("heading", name="Baseline")).to_be_visible()
    expect(note.get_by_role("cell", name="800")).to_be_visible()
    expect(note.get_by_text("window.pwned = 'note script'").first).to_be_visible()
    expect(note.get_by_role("img")).to_have_count(0)
    links = note.get_by_role("link").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
    assert all(not link or link.startswith("https://") for link in links)


def test_the_note_is_edited_in_place(own_page: Page):
    page = open_run(own_page, "prod-3")
    run_id = page.site.seed.runs["prod-3"]
    text = "**Ship it**, after:\n\n- tests\n\n<script>window.pwned = 'edited'</script>"
    note = page.get_by_role("region", name="Note")
    note.get_by_role("button", name="Add a note").click()
    note.get_by_role("textbox").fill(text)
    note.get_by_role("button", name="Save note").click()
    expect(note.locator("strong")).to_have_text("Ship it")
    expect(note.get_by_role("listitem")).to_have_text("tests")
    expect(note.get_by_text("window.pwned = 'edited'")).to_be_visible()
    page.wait_for(
        lambda: page.site.client.get_run(run_id).data.tags.get("mlflow.note.content") == text
    )
    note.get_by_role("button", name="Edit the note").click()
    note.get_by_role("textbox").fill("Changed my mind.")
    note.get_by_role("textbox").press("Control+Enter")
    expect(note.get_by_text("Changed my mind.")).to_be_visible()
    page.reload()
    expect(note.get_by_text("Changed my mind.")).to_be_visible()


def test_tags_are_added_and_removed(own_page: Page):
    page = open_run(own_page, "prod-3")
    run_id = page.site.seed.runs["prod-3"]

    def tags() -> dict:
        return page.site.client.get_run(run_id).data.tags

    page.get_by_role("button", name="Add a tag").click()
    page.get_by_role("textbox", name="Key").fill("owner")
    page.get_by_role("textbox", name="Value").fill("<b>Zoë</b>")
    page.get_by_role("textbox", name="Value").press("Enter")
    tag = page.get_by_role("list", name="Tags").get_by_role("listitem").filter(has_text="owner")
    expect(tag).to_contain_text("<b>Zoë</b>")
    page.wait_for(lambda: tags().get("owner") == "<b>Zoë</b>")
    page.get_by_role("button", name="Remove tag owner").click()
    expect(tag).to_have_count(0)
    page.wait_for(lambda: "owner" not in tags())
    page.get_by_role("button", name="Undo").click()
    expect(tag).to_be_visible()
    page.wait_for(lambda: tags().get("owner") == "<b>Zoë</b>")


def test_an_edit_that_is_refused_is_taken_back(own_page: Page):
    page = open_run(own_page, "prod-3")
    # Meanwhile somebody deletes it, and deleted runs take no new name.
    page.expect_status(400, "runs/set-tag")
    page.route("**/api/2.0/mlflow/runs/get*", lambda route: route.abort())
    page.site.client.delete_run(page.site.seed.runs["prod-3"])
    page.get_by_role("button", name="Add a tag").click()
    page.get_by_role("textbox", name="Key").fill("late")
    page.get_by_role("textbox", name="Key").press("Enter")
    expect(page.get_by_role("status").get_by_text(re.compile("active"))).to_be_visible()
    expect(page.get_by_role("list", name="Tags").get_by_text("late")).to_have_count(0)


# Tabs


def test_tabs_are_links(page: Page):
    open_run(page, "baseline")
    tabs = page.get_by_role("navigation", name="Parts of this run")
    for name, part in {
        "Parameters": "/parameters",
        "Metrics": "/metrics",
        "System": "/system",
        "Artifacts": "/artifacts",
        "Models": "/models",
        "Traces": "/traces",
        "Overview": "",
    }.items():
        tabs.get_by_role("link", name=name).click()
        page.settle()
        assert page.hash == page.site.run("baseline") + part
        expect(tabs.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize(
    ("given", "lands"),
    [
        ("model-metrics", "metrics"),
        ("system-metrics", "system"),
        ("artifactPath/a/b", "artifacts/a/b"),
    ],
)
def test_mlflows_links_to_tabs_are_taken(page: Page, given: str, lands: str):
    open_run(page, "baseline", f"/{given}")
    assert page.hash == f"{page.site.run('baseline')}/{lands}"


def test_parameters_are_found_and_shown_as_a_tree(page: Page):
    open_run(page, "baseline", "/parameters")
    table = page.get_by_role("table")
    expect(table.get_by_role("rowheader")).to_have_count(10)
    expect(table.get_by_text("<script>window.pwned = 'param'</script>")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("optimizer mom")
    expect(table.get_by_role("rowheader")).to_have_text(["optimizer.momentum"])
    assert "find=optimizer+mom" in page.hash
    open_run(page, "baseline", "/parameters")
    page.get_by_role("button", name="Tree").click()
    tree = page.get_by_role("group", name="Parameters")
    expect(tree.get_by_role("button", name="optimizer:")).to_have_count(2)
    page.get_by_role("searchbox", name="Find a key or value").fill("dropout")
    expect(tree.get_by_text("dropout")).to_be_visible()
    expect(tree.get_by_text("learning_rate")).to_have_count(0)
    page.reload()
    expect(tree).to_be_visible()


def test_parameters_beside_another_run(page: Page):
    open_run(page, "baseline", "/parameters")
    page.get_by_role("button", name="Beside another run").click()
    page.get_by_role("searchbox", name="Find a run").fill("prod-3")
    page.get_by_role("button", name=re.compile("prod-3")).click()
    table = page.get_by_role("table")
    row = table.get_by_role("row", name=re.compile("config.optimizer.lr"))
    expect(row).to_contain_text("0.02")
    expect(row).to_contain_text("0.015")
    expect(table.get_by_text("batch_size", exact=True)).to_have_count(0)
    page.get_by_role("checkbox", name="Differing only").uncheck()
    expect(table.get_by_text("batch_size", exact=True)).to_be_visible()
    page.reload()
    expect(table.get_by_text("batch_size", exact=True)).to_be_visible()


def test_metrics_in_numbers_and_as_curves(page: Page):
    open_run(page, "baseline", "/metrics")
    grid = page.get_by_role("grid", name="Metrics")
    row = grid.get_by_role("row").filter(has_text="train/loss")
    for text in ("0.062126", "2.3241", "299"):
        expect(row.get_by_text(text, exact=True).first).to_be_visible()
    grid.get_by_role("columnheader", name="Max").get_by_role("button").click()
    expect(grid.get_by_role("row").nth(1)).to_contain_text("train/loss")
    expect(page.get_by_role("main").get_by_text("system/")).to_have_count(0)
    expect(page.locator("canvas").first).to_be_visible()


def test_metrics_of_the_system_are_on_a_tab_of_their_own(page: Page):
    open_run(page, "baseline", "/system")
    grid = page.get_by_role("grid", name="Metrics of the system")
    expect(grid.get_by_role("row")).to_have_count(4)
    expect(grid.get_by_text("system/cpu_utilization_percentage")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("val/accuracy")).to_have_count(0)


def test_values_that_are_no_numbers(page: Page):
    open_run(page, "nan-inf")
    row = (
        page.get_by_role("region", name="Metrics").get_by_role("row").filter(has_text="train/loss")
    )
    expect(row).to_contain_text("NaN")
    expect(row).to_contain_text("Infinity")


def test_models_that_it_made(page: Page):
    open_run(page, "baseline", "/models")
    row = page.get_by_role("row", name=re.compile("classifier"))
    expect(row.get_by_text(re.compile("accuracy on churn-test"))).to_be_visible()
    expect(row.get_by_role("link", name=re.compile("churn v4"))).to_be_visible()
    row.get_by_role("link", name="classifier").click()
    expect(title(page)).to_have_text("classifier")


# Live


def test_a_running_run_grows_by_itself(own_page: Page):
    page = open_run(own_page, "running")
    client, run_id = page.site.client, page.site.seed.runs["running"]
    row = (
        page.get_by_role("region", name="Metrics").get_by_role("row").filter(has_text="train/loss")
    )
    expect(row).to_be_visible()
    client.log_metric(run_id, "train/loss", 77.125, step=5000)
    expect(row.get_by_text("77.125").first).to_be_visible()
    expect(row.get_by_text("5000")).to_be_visible()
    client.log_metric(run_id, "appeared", 0.5, step=1)
    region = page.get_by_role("region", name="Metrics")
    expect(region.get_by_role("row", name=re.compile("appeared"))).to_be_visible()
    client.set_terminated(run_id, "FAILED", end_time=int(time.time() * 1000))
    expect(head(page).get_by_text("Failed")).to_be_visible()
