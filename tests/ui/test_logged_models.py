"""The logged models of an experiment in the browser."""

from __future__ import annotations

import re

from tests.ui.browser import Page, expect

LINK = "#/experiments/1/models"


def grid(page: Page):
    return page.get_by_role("grid", name="Logged models")


def test_what_they_are_and_where_they_are_from(page: Page):
    page.open(LINK)
    rows = grid(page).get_by_role("row")
    expect(rows).to_have_count(7)
    best = rows.filter(has_text="cnn-lr=0.01/fold-2")
    for text in ("classifier", "Ready", "churn v3", "0.91"):
        expect(best).to_contain_text(text)
    expect(rows.filter(has_text="broken")).to_contain_text("Failed")
    expect(rows.filter(has_text="agent").first).to_contain_text("agent")
    heads = grid(page).get_by_role("columnheader")
    expect(heads.filter(has_text=re.compile(r"accuracy\s*churn-test"))).to_be_visible()
    best.get_by_role("link", name="churn v3").click()
    assert page.hash == "#/models/churn/versions/3"
    page.page.go_back()
    best.get_by_role("link", name="cnn-lr=0.01/fold-2").click()
    assert page.hash == page.site.run("cnn-lr=0.01/fold-2")


def test_sorting_by_a_metric_on_a_dataset(page: Page):
    page.open(LINK)
    head = grid(page).get_by_role("columnheader").filter(has_text=re.compile(r"accuracy\s*churn-t"))
    head.first.get_by_role("button").first.click()
    page.settle()
    assert page.hash == f"{LINK}?sort=-metrics.accuracy+on+churn-test"
    runs = grid(page).get_by_role("link", name=re.compile("fold-|baseline"))
    boxes = sorted((link.bounding_box()["y"], link.inner_text()) for link in runs.all())
    order = [text for _, text in boxes]
    assert order[:4] == [
        "cnn-lr=0.01/fold-2",
        "cnn-lr=0.01/fold-1",
        "cnn-lr=0.01/fold-0",
        "baseline",
    ]
    page.reload()
    expect(head.first).to_have_attribute("aria-sort", "descending")


def test_filters(page: Page):
    page.open(LINK)
    box = page.get_by_role("searchbox", name="Filter logged models")
    box.fill("agen")
    box.press("Enter")
    expect(grid(page).get_by_role("row")).to_have_count(2)
    box.fill("metrics.accuracy > 0.905")
    box.press("Enter")
    expect(grid(page).get_by_role("row")).to_have_count(4)
    page.expect_status(400, "logged-models/search")
    box.fill("metrics.accuracy > high")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(grid(page).get_by_role("row")).to_have_count(4)  # the last good ones stay
    box.fill("name = 'nobody'")
    box.press("Enter")
    expect(page.get_by_text("No logged model fits")).to_be_visible()
    assert "q=name" in page.hash


def test_keys_open_a_model(page: Page):
    page.open(f"{LINK}?q=agent")
    grid(page).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="agent")).to_be_visible()


def test_more_come_as_one_scrolls(own_page: Page):
    page, client = own_page, own_page.site.client
    experiment = page.site.seed.experiments["empty"]
    for i in range(130):
        client.create_logged_model(experiment, f"model-{i:03}")
    page.open(f"#/experiments/{experiment}/models?sort=name")
    expect(page.get_by_text("100 so far")).to_be_visible()
    grid(page).focus()
    page.keyboard.press("Control+End")
    expect(page.get_by_text("130 logged models, all of them.")).to_be_visible()
    page.keyboard.press("Control+End")
    expect(grid(page).get_by_role("link", name="model-129")).to_be_visible()


def test_an_experiment_without_any(page: Page):
    page.open(f"#/experiments/{page.site.seed.experiments['empty']}/models")
    expect(page.get_by_role("heading", name="No logged models")).to_be_visible()
