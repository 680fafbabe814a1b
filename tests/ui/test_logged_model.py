"""The page of a logged model."""

from __future__ import annotations

import re
from pathlib import Path

from tests.ui.browser import Page, expect


def open_model(page: Page, name: str, rest: str = "") -> Page:
    return page.open(f"#/experiments/1/models/{page.site.seed.models[name]}{rest}")


def test_it_says_what_the_model_is(page: Page):
    open_model(page, "classifier")
    main = page.get_by_role("main")
    expect(page.get_by_role("heading", level=1)).to_have_text("classifier")
    expect(main.get_by_text("Ready")).to_be_visible()
    expect(main.get_by_role("link", name="baseline")).to_have_attribute(
        "href", page.site.run("baseline")
    )
    metrics = page.get_by_role("region", name="Metrics")
    expect(metrics.get_by_role("columnheader")).to_have_text(
        ["Metric", "churn-test", "churn-train"]
    )
    expect(metrics.get_by_role("row", name="accuracy 0.88 0.9")).to_be_visible()
    params = page.get_by_role("region", name="Parameters")
    expect(params.get_by_text("gini")).to_be_visible()
    model = page.get_by_role("region", name="Model", exact=True)
    for text in ("Signature", "tenure", "bool[-1]", "Input example", "scikit-learn", "sklearn"):
        expect(model.get_by_text(text).first).to_be_visible()
    model_id = page.site.seed.models["classifier"]
    load = page.get_by_role("region", name="Python that loads it", exact=True)
    expect(load).to_contain_text(f'load_model("models:/{model_id}")')


def test_its_versions_and_its_run_are_linked(page: Page):
    open_model(page, "cnn-lr=0.01/fold-2/classifier")
    versions = page.get_by_role("region", name="Registered versions")
    for text in ("Production", "@champion", "@eu"):
        expect(versions.get_by_text(text)).to_be_visible()
    expect(versions.get_by_role("link", name="churn v3")).to_have_attribute(
        "href", "#/models/churn/versions/3"
    )
    expect(versions.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("main").get_by_role("link", name="cnn-lr=0.01/fold-2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("cnn-lr=0.01/fold-2")
    page.get_by_role("region", name="Models").get_by_role("link", name="classifier").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("classifier")


def test_its_files(page: Page):
    open_model(page, "classifier", "/artifacts")
    tree = page.get_by_role("tree", name="Files")
    expect(tree.get_by_role("treeitem", selected=True)).to_contain_text("MLmodel")
    expect(page.get_by_role("main").get_by_text("Signature")).to_be_visible()
    tree.get_by_role("treeitem", name=re.compile("^requirements.txt")).click()
    expect(page.get_by_role("region", name="Text of requirements.txt")).to_contain_text(
        "scikit-learn"
    )
    assert page.hash.endswith("/artifacts/requirements.txt")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download requirements.txt").click()
    assert b"scikit-learn" in Path(coming.value.path()).read_bytes()


def test_one_without_files_and_one_that_failed(page: Page):
    open_model(page, "agent")
    main = page.get_by_role("main")
    expect(main.get_by_text("It has no files.")).to_be_visible()
    expect(main.get_by_text("You are <b>helpful</b>.").first).to_be_visible()
    expect(page.get_by_role("list", name="Tags")).to_contain_text("<script>window.pwned")
    open_model(page, "broken")
    expect(main.get_by_text("Its files were not stored completely.")).to_be_visible()
    open_model(page, "broken", "/artifacts")
    expect(main.get_by_text("Nothing was logged here.")).to_be_visible()


def test_one_that_is_not_there(page: Page):
    page.expect_status(404, "logged-models/m-")
    page.open(f"#/experiments/1/models/m-{'0' * 32}")
    expect(page.get_by_role("main").get_by_text("There is no such model")).to_be_visible()


def test_tags_are_added_and_removed(own_page: Page):
    page = open_model(own_page, "classifier")
    model_id = page.site.seed.models["classifier"]

    def tags() -> dict:
        return page.site.client.get_logged_model(model_id).tags

    page.get_by_role("button", name="Add a tag").click()
    page.get_by_role("textbox", name="Key").fill("reviewed")
    page.get_by_role("textbox", name="Value").fill("yes")
    page.get_by_role("textbox", name="Value").press("Enter")
    page.wait_for(lambda: tags().get("reviewed") == "yes")
    page.get_by_role("button", name="Remove tag reviewed").click()
    page.wait_for(lambda: "reviewed" not in tags())
    page.get_by_role("button", name="Undo").click()
    page.wait_for(lambda: tags().get("reviewed") == "yes")
    page.reload()
    expect(page.get_by_role("list", name="Tags")).to_contain_text("reviewed")
