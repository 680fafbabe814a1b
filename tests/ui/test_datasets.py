"""The datasets of an experiment in the browser."""

from __future__ import annotations

import re

from tests.ui.browser import Page, expect

LINK = "#/experiments/1/datasets"


def test_what_runs_read(page: Page):
    page.open(LINK)
    train = page.get_by_role("row", name=re.compile("^churn-train"))
    for text in ("training", "rows 800", "https://example.com/data/churn-train.csv"):
        expect(train).to_contain_text(text)
    expect(train.get_by_role("link", name="4 runs that used churn-train")).to_have_text("4")
    page.keyboard.press("/")
    page.keyboard.type("evaluation")
    expect(train).to_have_count(0)
    expect(page.get_by_role("row", name=re.compile("^churn-test"))).to_be_visible()
    assert page.hash == f"{LINK}?q=evaluation"
    page.open(f"{LINK}?q=nothing")
    expect(page.get_by_text("No dataset fits")).to_be_visible()


def test_one_dataset(page: Page):
    page.open(LINK)
    page.get_by_role("link", name="churn-train", exact=True).click()
    expect(page.get_by_role("heading", name="churn-train")).to_be_visible()
    schema = page.get_by_role("region", name="Schema")
    for name in ("tenure", "plan", "left"):
        expect(schema.get_by_role("rowheader", name=name)).to_be_visible()
    page.keep("dataset")
    page.reload()
    expect(page.get_by_role("heading", name="churn-train")).to_be_visible()


def test_the_runs_that_used_it(page: Page):
    page.open(LINK)
    page.get_by_role("link", name="4 runs that used churn-test").click()
    page.settle()
    assert page.hash.startswith(
        "#/experiments/1?q=dataset.name+=+'churn-test'+and+dataset.digest+=+"
    )
    expect(page.get_by_role("main")).to_contain_text("baseline")
    expect(page.get_by_role("main")).not_to_contain_text("scheduled")


def test_none(page: Page):
    page.open(f"#/experiments/{page.site.seed.experiments['empty']}/datasets")
    expect(page.get_by_role("heading", name="No datasets")).to_be_visible()
    page.open(f"{LINK}/no-such-dataset")
    expect(page.get_by_text("There is no such dataset")).to_be_visible()
