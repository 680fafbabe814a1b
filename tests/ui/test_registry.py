"""Registered models and their versions in the browser: what they were measured with, what is in
use, who moved what, and what it takes."""

from __future__ import annotations

import re

import pytest

from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag
from mlflow.environment_variables import MLFLOW_TRACKING_USERNAME
from mlflow.store.model_registry.resolve import registry_store
from tests.ui.browser import Page, expect

UGLY = "fraud detector é & <b>"
UGLY_LINK = "#/models/fraud%20detector%20%C3%A9%20%26%20%3Cb%3E"


def row(page: Page, version: int):
    """The row of a version in the table of its model."""
    name = page.get_by_role("rowheader", name=re.compile(rf"^Version {version}\b"))
    return page.get_by_role("row").filter(has=name)


def stages(page: Page, name: str = "churn") -> dict[str, str]:
    """What the server says of the stages, by version."""
    found = page.site.client.search_model_versions(f"name = '{name}'")
    return {str(v.version): v.current_stage for v in found}


def sign(page: Page, name: str) -> None:
    """Let the browser know who uses it."""
    page.open("#/settings")
    box = page.get_by_role("textbox", name="Name")
    box.fill(name)
    box.blur()


def open_stage(page: Page, version: int):
    """Open what moves a version; the form."""
    row(page, version).get_by_role("button", name=f"Stage of version {version}").click()
    return page.get_by_role("form", name=f"Stage of version {version}")


# -- the list -------------------------------------------------------------------------------------


def test_the_list_says_what_is_in_use_and_how_good_it_is(page: Page):
    page.open("#/models")
    churn = page.get_by_role("row").filter(has=page.get_by_role("link", name="churn", exact=True))
    for text in ("Production v3", "Staging v4", "@champion v3", "retention", "by ann"):
        expect(churn).to_contain_text(text.replace(" v", "\u00a0v"))
    expect(churn).to_contain_text("0.91")
    expect(churn).to_contain_text("accuracy on churn-test · v3")
    ugly = page.get_by_role("row").filter(has=page.get_by_role("link", name=UGLY))
    expect(ugly).to_contain_text("by bo")
    assert len([s for s in page.api_calls() if "/ui/" in s.path or "/mlflow/" in s.path]) <= 8


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("chu", ["churn"]),
        ("within 30 days", ["churn"]),
        ("alias:champion", ["churn"]),
        ("stage:production", ["churn"]),
        ("tag:owner=ret", ["churn"]),
        ('tag:"odd:"', [UGLY]),
        ("later", ["unused"]),
    ],
)
def test_the_list_is_filtered(page: Page, typed: str, names: list[str]):
    page.open("#/models")
    expect(page.get_by_role("rowheader")).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type(typed)
    expect(page.get_by_role("rowheader")).to_have_count(len(names))
    for name in names:
        expect(page.get_by_role("rowheader", name=name)).to_be_visible()
    assert "q=" in page.hash
    page.reload()
    expect(page.get_by_role("rowheader")).to_have_count(len(names))


def test_a_filter_that_fits_nothing_says_so(page: Page):
    page.open("#/models?q=alias:nobody")
    expect(page.get_by_text("No model fits")).to_be_visible()
    page.open("#/models")
    page.get_by_role("button", name="@champion").click()
    expect(page.get_by_role("rowheader")).to_have_count(1)
    assert page.hash == "#/models?q=alias:champion"
    page.get_by_role("button", name="@champion").click()
    expect(page.get_by_role("rowheader")).to_have_count(3)


def test_a_model_is_created_in_place(own_page: Page):
    page = own_page
    sign(page, "mia")
    page.open("#/models")
    page.get_by_role("button", name="New model").click()
    form = page.get_by_role("form", name="New model")
    page.expect_status(400, "registered-models/create")
    form.get_by_label("Name").fill("churn")
    form.get_by_role("button", name="Create").click()
    expect(form.get_by_role("alert")).to_contain_text("already exists")
    form.get_by_label("Name").fill("who stays")
    form.get_by_label("Note").fill("the *others*")
    form.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="who stays")).to_be_visible()
    assert page.hash == "#/models/who%20stays"
    assert page.site.client.get_registered_model("who stays").description == "the *others*"
    (change,) = page.site.client.get_registered_model_history("who stays")
    assert (change.user, change.action) == ("mia", "create")
    expect(page.get_by_text('registered_model_name="who stays"')).to_be_visible()


# -- versions and what they were measured with ----------------------------------------------------


def test_metrics_stand_beside_versions(page: Page):
    page.open("#/models/churn")
    heads = page.get_by_role("columnheader")
    for name in ("accuracy on churn-test", "accuracy on churn-train", "auc on churn-test"):
        expect(heads.filter(has_text=re.compile(name.replace(" ", r"\s*")))).to_have_count(1)
    expect(row(page, 3)).to_contain_text(re.compile(r"best:\s*0\.91"))
    expect(row(page, 4)).to_contain_text("0.88")
    expect(row(page, 4)).not_to_contain_text(re.compile(r"best:\s*0\.88"))
    expect(row(page, 2)).to_contain_text("cnn-lr=0.01/fold-1")
    expect(row(page, 2)).to_contain_text("by bo")
    expect(row(page, 1)).to_contain_text("Archived")
    expect(heads.filter(has_text="learning_rate")).to_have_count(0)
    page.keyboard.press("p")
    expect(heads.filter(has_text="learning_rate")).to_have_count(1)
    expect(heads.filter(has_text="epochs")).to_have_count(0)  # the same everywhere
    page.keyboard.press("d")
    expect(heads.filter(has_text="epochs")).to_have_count(1)
    assert page.hash == "#/models/churn?params=1&all=1"
    assert not any("system/" in text for text in heads.all_inner_texts())


def test_a_metric_is_drawn_over_versions_with_what_is_in_use(page: Page):
    page.open("#/models/churn")
    chart = page.get_by_role("figure", name="accuracy on churn-test over versions")
    expect(chart.get_by_text("Production @champion @eu")).to_be_visible()
    expect(chart.get_by_text("Staging @challenger")).to_be_visible()
    expect(chart.get_by_role("link")).to_have_count(4)
    page.get_by_label("Metric over versions").select_option("auc on churn-train")
    chart = page.get_by_role("figure", name="auc on churn-train over versions")
    expect(chart.get_by_role("link", name="Version 3: 0.92")).to_be_visible()
    assert "metric=auc+on+churn-train" in page.hash
    chart.get_by_role("link", name="Version 3: 0.92").click()
    expect(page.get_by_role("heading", name="Version 3")).to_be_visible()


def test_versions_are_compared(page: Page):
    page.open("#/models/churn")
    compare = page.get_by_role("button", name="Compare")
    expect(compare).to_be_disabled()
    for version in (3, 4):
        row(page, version).get_by_role("checkbox").check()
    expect(compare).to_be_enabled()
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Versions 3 and 4")).to_be_visible()
    assert page.hash == "#/models/churn/compare?versions=3,4"
    table = page.get_by_role("table")
    accuracy = table.get_by_role("row", name=re.compile("^accuracy on churn-test"))
    expect(accuracy).to_contain_text(re.compile(r"best:\s*0\.91"))
    expect(accuracy).to_contain_text("−3.3%")
    expect(table.get_by_role("row", name=re.compile("^epochs"))).to_have_count(0)
    expect(table.get_by_role("row", name=re.compile("^takes"))).to_have_count(0)
    page.keyboard.press("d")
    expect(table.get_by_role("row", name=re.compile("^epochs"))).to_be_visible()
    expect(table.get_by_role("row", name=re.compile("^takes tenure"))).to_contain_text("long")
    table.get_by_role("radio", name="Baseline").nth(1).check()
    expect(accuracy).to_contain_text("+3.41%")
    assert "base=4" in page.hash
    page.get_by_label("Add a version").select_option("1")
    expect(page.get_by_role("heading", name="Versions 1, 3 and 4")).to_be_visible()
    page.get_by_role("button", name="Leave out version 3").click()
    expect(page.get_by_role("heading", name="Versions 1 and 4")).to_be_visible()
    page.page.go_back()
    expect(page.get_by_role("heading", name="Versions 1, 3 and 4")).to_be_visible()


# -- stages, aliases and history ------------------------------------------------------------------


def test_a_stage_is_moved_and_the_history_says_by_whom(own_page: Page):
    page = own_page
    page.open("#/models/churn")
    form = open_stage(page, 4)
    form.get_by_role("radio", name="Production").check()
    expect(form).to_contain_text("Version 4 goes from Staging to Production.")
    expect(form).to_contain_text("Version 3 is Production now and will be archived.")
    form.get_by_label("Archive version 3").uncheck()
    expect(form).to_contain_text("Version 3 is Production now and will stay")
    form.get_by_label("Archive version 3").check()
    form.get_by_label("Why").fill("ännual review")
    form.get_by_label("Your name").fill("Mia Müller")
    form.get_by_role("button", name="Move to Production").click()
    expect(page.get_by_text("Version 4 is in Production.")).to_be_visible()
    expect(form).to_have_count(0)
    expect(row(page, 4)).to_contain_text("Production")
    expect(row(page, 3)).to_contain_text("Archived")
    assert stages(page) == {"1": "Archived", "2": "Archived", "3": "Archived", "4": "Production"}
    page.get_by_role("link", name="History").click()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Mia Müller")
    expect(rows.nth(1)).to_contain_text("ännual review")
    expect(rows.nth(1)).to_contain_text(re.compile(r"stage\s*Staging\s*Production"))
    expect(rows.nth(2)).to_contain_text(re.compile(r"Mia Müller\s*3\s*Moved\s*stage\s*Production"))
    page.keep("history-after-a-move")
    # The name is not asked for again.
    page.get_by_role("link", name="Versions").click()
    form = open_stage(page, 4)
    form.get_by_role("radio", name="No stage").check()
    expect(form).to_contain_text("As Mia Müller")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    assert stages(page)["4"] == "Production"


def test_several_versions_may_be_in_a_stage(own_page: Page):
    page = own_page
    sign(page, "mia")
    page.open("#/models/churn")
    form = open_stage(page, 1)
    form.get_by_role("radio", name="Production").check()
    form.get_by_label("Archive version 3").uncheck()
    form.get_by_role("button", name="Move to Production").click()
    expect(page.get_by_text("Version 1 is in Production.")).to_be_visible()
    expect(row(page, 1)).to_contain_text("Production")
    assert (stages(page)["1"], stages(page)["3"]) == ("Production", "Production")
    form = open_stage(page, 2)
    form.get_by_role("radio", name="Production").check()
    expect(form).to_contain_text("Versions 1 and 3 are Production now and will be archived.")


def test_a_form_that_grows_stays_in_the_window(own_page: Page):
    page = own_page
    sign(page, "mia")
    for height in (620, 700, 780):  # its button is at the lower edge of one of them
        page.set_viewport_size({"width": 1440, "height": height})
        page.open("#/models/churn")
        form = open_stage(page, 1)
        form.get_by_role("radio", name="Production").check()
        expect(form.get_by_role("button", name="Move to Production")).to_be_in_viewport(ratio=1)


def test_an_alias_is_moved_and_removed(own_page: Page):
    page = own_page
    sign(page, "mia")
    page.open("#/models/churn")
    row(page, 4).get_by_role("button", name="Set an alias of version 4").click()
    form = page.get_by_role("form", name="Alias of version 4")
    form.get_by_label("Alias").fill("v9")
    expect(form).to_contain_text("would be mistaken for a version")
    expect(form.get_by_role("button", name="Set alias")).to_be_disabled()
    form.get_by_label("Alias").fill("champion")
    expect(form).to_contain_text("champion is version 3 now, and moves to version 4.")
    form.get_by_label("Why").fill("faster")
    form.get_by_role("button", name="Move alias").click()
    expect(page.get_by_text("champion is version 4.")).to_be_visible()
    expect(row(page, 4)).to_contain_text("@champion")
    expect(row(page, 3)).not_to_contain_text("@champion")
    client = page.site.client
    assert str(client.get_model_version_by_alias("churn", "champion").version) == "4"
    last = client.get_registered_model_history("churn")[-1]
    assert (last.user, last.comment) == ("mia", "faster")
    assert (last.before, last.after) == ({"champion": 3}, {"champion": 4})
    row(page, 4).get_by_role("button", name="Remove alias challenger from version 4").click()
    expect(row(page, 4)).not_to_contain_text("@challenger")
    page.get_by_role("button", name="Undo").click()
    expect(row(page, 4)).to_contain_text("@challenger")
    page.settle()
    page.open("#/models/churn?tab=history&version=4")
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text(re.compile(r"Alias set\s*challenger\s*nothing\s*4"))
    expect(rows.nth(2)).to_contain_text(re.compile(r"Alias removed\s*challenger\s*4\s*nothing"))
    expect(rows.nth(3)).to_contain_text(re.compile(r"Alias set\s*champion\s*3\s*4\s*faster"))


def test_what_the_server_refuses_is_said_in_place_and_undone(own_page: Page):
    page = own_page
    page.site.client.set_stage_policy("churn", "Production", requirement="metrics.accuracy > 2")
    sign(page, "mia")
    page.open("#/models/churn")
    page.expect_status(403, "transition-stage")
    form = open_stage(page, 4)
    form.get_by_role("radio", name="Production").check()
    expect(form).to_contain_text("Production needs metrics.accuracy > 2.")
    form.get_by_role("button", name="Move to Production").click()
    expect(form.get_by_role("alert")).to_contain_text("metrics.accuracy > 2")
    expect(row(page, 4)).to_contain_text("Staging")
    expect(row(page, 3)).to_contain_text("Production")
    assert stages(page)["3"] == "Production"


def test_a_change_is_shown_at_once_and_taken_back(own_page: Page):
    page = own_page
    sign(page, "mia")
    page.open("#/models/churn")
    held = []
    page.route("**/transition-stage", lambda route: held.append(route))
    form = open_stage(page, 4)
    form.get_by_role("radio", name="Archived").check()
    form.get_by_role("button", name="Archive", exact=True).click()
    expect(row(page, 4).get_by_role("button", name="Stage of version 4: Archived")).to_be_visible()
    page.wait_for(lambda: held)
    page.expect_status(500, "transition-stage")
    body = '{"error_code": "INTERNAL_ERROR", "message": "The disk is full."}'
    held[0].fulfill(status=500, content_type="application/json", body=body)
    expect(form.get_by_role("alert")).to_contain_text("The disk is full.")
    expect(row(page, 4).get_by_role("button", name="Stage of version 4: Staging")).to_be_visible()


def test_a_stage_is_rolled_back(own_page: Page):
    page = own_page
    sign(page, "mia")
    page.open("#/models/churn")
    page.get_by_role("button", name="Roll back Production").click()
    form = page.get_by_role("form", name="Roll back Production")
    expect(form).to_contain_text("Version 2, which was Production before and is Archived now")
    expect(form).to_contain_text("Version 3 is Production now and will be archived.")
    form.get_by_label("Why").fill("complaints")
    form.get_by_role("button", name="Roll back to version 2").click()
    expect(page.get_by_text("Version 2 is in Production again.")).to_be_visible()
    expect(row(page, 2)).to_contain_text("Production")
    page.settle()
    assert stages(page)["2"] == "Production"
    # Once more, and it is the one before.
    page.get_by_role("button", name="Roll back Production").click()
    page.get_by_role("button", name="Roll back to version 1").click()
    expect(page.get_by_text("Version 1 is in Production again.")).to_be_visible()
    expect(row(page, 1)).to_contain_text("Production")
    page.settle()
    expect(page.get_by_role("button", name="Roll back Production")).to_have_count(0)
    last = page.site.client.get_registered_model_history("churn")[-1]
    assert (last.action, last.user, last.version) == ("rollback", "mia", 1)


def test_what_was_in_use_at_a_time(page: Page):
    trail = page.site.client.get_registered_model_history("churn")
    time = next(c.timestamp for c in trail if c.version == 1 and c.after == {"stage": "Production"})
    page.open(f"#/models/churn?at={time}")
    part = page.get_by_role("region", name="What was in use at a time")
    expect(part).to_contain_text("Production\u00a0v1")
    expect(part).not_to_contain_text("Staging")
    page.open("#/models/churn?at=1999-01-01T00:00")
    expect(part).to_contain_text("no version was in Staging or Production")
    page.open("#/models/churn?at=yesterday")
    expect(part).to_contain_text("“yesterday” is no time")
    part.get_by_label("What was in use on").fill("2038-01-01T12:00")
    part.get_by_label("What was in use on").blur()
    expect(part).to_contain_text("Production\u00a0v3")
    assert page.hash == "#/models/churn?at=2038-01-01T12:00"


# -- approval -------------------------------------------------------------------------------------


def test_an_approval_is_asked_for_and_given(own_page: Page, monkeypatch):
    page = own_page
    sign(page, "ann")
    page.open("#/models/churn")
    page.get_by_role("button", name="Add a rule for Production").click()
    rule = page.get_by_role("form", name="Rule for Production")
    rule.get_by_label("Approvals").fill("2")
    rule.get_by_label("Requirement").fill("metrics.accuracy >= 0.5")
    rule.get_by_role("button", name="Set rule").click()
    expect(page.get_by_text("needs 2 approvals and metrics.accuracy >= 0.5")).to_be_visible()
    form = open_stage(page, 4)
    form.get_by_role("radio", name="Production").check()
    expect(form).to_contain_text("Production needs 2 approvals and metrics.accuracy >= 0.5.")
    form.get_by_label("Why").fill("retrained")
    form.get_by_role("button", name="Ask for approval").click()
    waiting = page.get_by_role("region", name="Waiting for approval")
    expect(waiting).to_contain_text("ann asks for version 4 to enter")
    expect(waiting).to_contain_text("archiving what is there")
    expect(waiting).to_contain_text("“retrained”")
    expect(waiting).to_contain_text("0 of 2 approvals")
    expect(waiting).to_contain_text("Nobody approves a request of their own")
    expect(waiting.get_by_role("button", name="Approve")).to_have_count(0)
    assert stages(page)["4"] == "Staging"
    page.keep("waiting-for-approval")

    monkeypatch.setenv(MLFLOW_TRACKING_USERNAME.name, "cem")
    (request,) = page.site.client.get_stage_requests("churn")
    page.site.client.approve_stage_request(request.request_id, "fine")
    sign(page, "bob")
    page.open("#/models/churn/versions/4")
    expect(waiting).to_contain_text("1 of 2 approvals")
    expect(waiting).to_contain_text("cem: “fine”")
    waiting.get_by_role("button", name="Approve version 4 for Production").click()
    review = page.get_by_role("form", name="Approve")
    expect(review).to_contain_text("version 4 enters Production at once")
    expect(review).to_contain_text("Version 3 is Production now and will be archived.")
    review.get_by_role("button", name="Approve").click()
    expect(waiting).to_have_count(0)
    page.wait_for(lambda: stages(page)["4"] == "Production")
    assert stages(page)["3"] == "Archived"
    history = page.get_by_role("table").last.get_by_role("row")
    expect(history.nth(1)).to_contain_text(
        re.compile(r"bob\s*Moved\s*stage\s*Staging\s*Production")
    )
    expect(history.nth(2)).to_contain_text(re.compile(r"bob\s*Approved"))


def test_a_request_is_rejected(own_page: Page, monkeypatch):
    page = own_page
    client = page.site.client
    client.set_stage_policy("churn", "Production", reviewers=1)
    monkeypatch.setenv(MLFLOW_TRACKING_USERNAME.name, "ann")
    client.request_model_version_stage("churn", 4, "Production")
    sign(page, "bob")
    page.open("#/models/churn")
    page.get_by_role("button", name="Reject version 4 for Production").click()
    review = page.get_by_role("form", name="Reject")
    review.get_by_label("Why").fill("too slow")
    review.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("region", name="Waiting for approval")).to_have_count(0)
    (request,) = client.get_stage_requests("churn")
    assert request.status == "REJECTED"
    (review,) = request.reviews
    assert (review.user, review.comment) == ("bob", "too slow")


# -- who ------------------------------------------------------------------------------------------


def test_the_name_is_asked_for_once_in_place(own_page: Page):
    page = own_page
    page.open("#/models/churn")
    add_tag(page, "reviewed", "no")
    ask = page.get_by_role("form", name="Who makes this change?")
    expect(ask).to_contain_text("not checked by the server")
    ask.get_by_role("button", name="Do not make the change").click()
    expect(page.get_by_role("listitem").filter(has_text="reviewed")).to_have_count(0)
    assert "reviewed" not in page.site.client.get_registered_model("churn").tags

    add_tag(page, "reviewed", "yes")
    ask.get_by_label("Your name").fill("mia")
    ask.get_by_role("button", name="Make the change", exact=True).click()
    expect(page.get_by_role("listitem").filter(has_text="reviewed")).to_contain_text("yes")
    page.settle()
    add_tag(page, "again", "1")
    page.settle()
    expect(ask).to_have_count(0)
    trail = page.site.client.get_registered_model_history("churn")[-2:]
    assert [(c.user, c.action, c.after) for c in trail] == [
        ("mia", "set_tag", {"reviewed": "yes"}),
        ("mia", "set_tag", {"again": "1"}),
    ]
    page.open("#/settings")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("mia")
    expect(page.get_by_text("does not check it")).to_be_visible()


def test_a_change_can_be_made_without_a_name(own_page: Page):
    page = own_page
    page.open("#/models/unused")
    page.get_by_role("button", name="Edit the note").click()
    page.get_by_role("textbox", name="Note of this model").fill("Not **now**.")
    page.get_by_role("button", name="Save note").click()
    page.get_by_role("button", name="Go on without a name").click()
    expect(page.get_by_text("Not now.")).to_be_visible()
    page.settle()
    last = page.site.client.get_registered_model_history("unused")[-1]
    assert (last.user, last.after) == ("unknown", {"description": "Not **now**."})


def add_tag(page: Page, key: str, value: str) -> None:
    page.get_by_role("button", name="Add a tag").click()
    form = page.get_by_role("group", name="Add a tag")
    form.get_by_label("Key").fill(key)
    form.get_by_label("Value").fill(value)
    form.get_by_role("button", name="Add tag").click()


# -- a model as a whole ---------------------------------------------------------------------------


def test_a_model_is_renamed_and_deleted_with_care(own_page: Page):
    page = own_page
    sign(page, "mia")
    page.open("#/models/churn")
    page.get_by_role("button", name="Actions on churn").click()
    page.get_by_role("button", name="Rename").click()
    page.expect_status(400, "registered-models/rename")
    box = page.get_by_role("textbox", name="New name of the model")
    box.fill("unused")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("alert")).to_contain_text("already exists")
    box.fill("who leaves/eu")
    # A slash is not allowed in names of models.
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("alert")).to_contain_text("who leaves/eu")
    box.fill("who leaves")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="who leaves")).to_be_visible()
    assert page.hash == "#/models/who%20leaves"
    expect(row(page, 3)).to_contain_text("@champion")

    page.get_by_role("button", name="Actions on who leaves").click()
    form = page.get_by_role("form", name="Delete the model")
    expect(form).to_contain_text("4 versions")
    delete = form.get_by_role("button", name="Delete model")
    expect(delete).to_be_disabled()
    form.get_by_label("type its name").fill("who leave")
    expect(delete).to_be_disabled()
    form.get_by_label("type its name").fill("who leaves")
    delete.click()
    expect(page.get_by_role("heading", name="Registered models")).to_be_visible()
    assert "who leaves" not in [m.name for m in page.site.client.search_registered_models()]
    # What became of it can still be read.
    page.expect_status(404, "registered-models/get")
    page.expect_status(404, "stage-")
    page.open("#/models/who%20leaves")
    expect(page.get_by_role("alert")).to_contain_text("not found")
    expect(page.get_by_role("table").get_by_role("row").nth(1)).to_contain_text("mia")


def test_a_version_in_use_is_deleted_with_care(own_page: Page):
    page = own_page
    sign(page, "mia")
    page.open("#/models/churn/versions/3")
    page.get_by_role("button", name="Actions on version 3").click()
    form = page.get_by_role("form", name="Delete the version")
    expect(form).to_contain_text("It is in use as Production, @champion, @eu")
    expect(form.get_by_role("button", name="Delete version")).to_be_disabled()
    form.get_by_label("Delete it all the same").check()
    form.get_by_role("button", name="Delete version").click()
    expect(row(page, 4)).to_be_visible()
    expect(row(page, 3)).to_have_count(0)
    assert sorted(stages(page)) == ["1", "2", "4"]
    page.open("#/models/churn/versions/3")
    expect(page.get_by_text("There is no version 3")).to_be_visible()
    expect(page.get_by_role("table").get_by_role("row").nth(1)).to_contain_text("Deleted")


def test_a_name_that_breaks_who_does_not_escape_it(page: Page):
    page.open(UGLY_LINK)
    expect(page.get_by_role("heading", name=UGLY)).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="odd: tag")).to_contain_text(
        "<i>markup</i>"
    )
    row(page, 1).get_by_role("link", name="Version 1").click()
    expect(page.get_by_text("There is no MLmodel file")).to_be_visible()
    expect(page.get_by_text(f"models:/{UGLY}/1", exact=True)).to_be_visible()
    assert page.hash == f"{UGLY_LINK}/versions/1"


@pytest.mark.parametrize("name", ["it's", 'the "best"'])
def test_names_with_quotes(own_page: Page, name: str):
    page = own_page
    page.site.client.create_registered_model(name)
    page.site.client.create_model_version(name, "s3://bucket/model")
    page.open("#/models")
    page.get_by_role("link", name=name, exact=True).click()
    expect(row(page, 1)).to_contain_text("No stage")
    row(page, 1).get_by_role("link", name="Version 1").click()
    expect(page.get_by_text("where this page cannot read them").first).to_be_visible()


def test_a_registry_in_a_folder_has_no_history(make_site, make_page, tmp_path):
    site = make_site("--registry-store-uri", (tmp_path / "registry").as_uri())
    registry = registry_store((tmp_path / "registry").as_uri())
    registry.create_registered_model("plain")
    registry.create_model_version("plain", "s3://bucket/1")
    page = make_page(site)
    sign(page, "mia")
    page.expect_status(501, "registered-models")
    page.expect_status(501, "stage-requests")
    page.open("#/models")
    page.get_by_role("link", name="plain").click()
    form = open_stage(page, 1)
    form.get_by_role("radio", name="Staging").check()
    form.get_by_role("button", name="Move to Staging").click()
    expect(row(page, 1)).to_contain_text("Staging")
    expect(page.get_by_role("button", name="Roll back")).to_have_count(0)
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("This registry keeps no history")).to_be_visible()


# -- a version ------------------------------------------------------------------------------------


def test_lineage_leads_to_the_run_and_back(page: Page):
    seed = page.site.seed
    page.open("#/models/churn/versions/3")
    lineage = page.get_by_role("navigation", name="Lineage")
    for text in ("churn-train", "churn-test", "classifier", "Production", "@champion"):
        expect(lineage).to_contain_text(text)
    lineage.get_by_role("link", name="cnn-lr=0.01/fold-2").click()
    assert page.hash == f"#/experiments/1/runs/{seed.runs['cnn-lr=0.01/fold-2']}"
    page.get_by_role("link", name=re.compile(r"churn v3")).first.click()
    expect(page.get_by_role("heading", name="Version 3")).to_be_visible()
    lineage.get_by_role("link", name="classifier").click()
    model_id = seed.models["cnn-lr=0.01/fold-2/classifier"]
    assert page.hash == f"#/experiments/1/models/{model_id}"
    page.get_by_role("link", name=re.compile(r"churn v3|Version 3")).first.click()
    expect(page.get_by_role("heading", name="Version 3")).to_be_visible()
    lineage.get_by_role("link", name="churn-test").click()
    assert page.hash == "#/experiments/1/datasets?q=churn-test"
    page.page.go_back()
    lineage.get_by_role("link", name="churn", exact=True).click()
    assert page.hash == "#/models/churn"


def test_a_version_says_what_it_takes_and_how_it_is_used(page: Page):
    page.open("#/models/churn/versions/3")
    signature = page.get_by_role("region", name="Signature")
    for text in ("tenure", "calls", "long", "bool[-1]"):
        expect(signature).to_contain_text(text)
    needs = page.get_by_role("region", name="Size and requirements")
    for text in ("kB", "sklearn", "scikit-learn", "pandas"):
        expect(needs).to_contain_text(text)
    metrics = page.get_by_role("region", name="Metrics")
    expect(metrics.get_by_role("row", name=re.compile("^accuracy churn-test 0.91"))).to_be_visible()
    params = page.get_by_role("region", name="Params")
    expect(params.get_by_role("row", name="max_depth 5")).to_be_visible()
    for uri in ("models:/churn/3", "models:/churn@champion", "models:/churn/Production"):
        expect(page.get_by_role("radio", name=uri)).to_be_visible()
    page.get_by_role("radio", name="models:/churn@eu").check()
    code = page.get_by_role("region", name="Python that loads it")
    expect(code).to_contain_text('load_model("models:/churn@eu")')
    expect(code).to_contain_text(page.site.uri)
    page.keyboard.press("[")
    expect(page.get_by_role("heading", name="Version 2")).to_be_visible()
    page.keyboard.press("]")
    expect(page.get_by_role("heading", name="Version 3")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Versions 2 and 3")).to_be_visible()


def test_the_files_of_a_version(page: Page):
    page.open("#/models/churn/versions/3")
    page.get_by_role("link", name="Artifacts").click()
    tree = page.get_by_role("tree", name="Files")
    tree.get_by_role("treeitem", name=re.compile("requirements.txt")).click()
    expect(page.get_by_role("main")).to_contain_text("scikit-learn")
    assert page.hash == "#/models/churn/versions/3?tab=artifacts&path=requirements.txt"


def test_a_version_is_described(own_page: Page):
    page = own_page
    sign(page, "mia")
    page.open("#/models/churn/versions/4")
    expect(page.get_by_text("From baseline.")).to_be_visible()
    page.get_by_role("button", name="Edit the note").click()
    page.get_by_role("textbox", name="Note of this version").fill("*Good* enough")
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_text("Good enough")).to_be_visible()
    page.get_by_role("button", name="Remove tag validated").click()
    page.get_by_role("button", name="Undo").click()
    page.settle()
    changes = page.site.client.get_model_version_history("churn", "4")[-3:]
    assert [(c.user, c.action) for c in changes] == [
        ("mia", "update"),
        ("mia", "delete_tag"),
        ("mia", "set_tag"),
    ]
    history = page.get_by_role("table").last.get_by_role("row")
    expect(history.nth(1)).to_contain_text(re.compile(r"mia\s*Tag set\s*validated\s*nothing\s*no"))


# -- prompts --------------------------------------------------------------------------------------


def test_prompts_are_shown_as_they_are_kept(own_page: Page):
    page = own_page
    mark = {"mlflow.prompt.is_prompt": "true"}
    store = registry_store(page.site.uri)  # the client refuses them
    store.create_registered_model(
        "greeting", [RegisteredModelTag(*one) for one in mark.items()], "Says hello."
    )
    text = "Hello {{name}}, <b>welcome</b>"
    tags = {**mark, "mlflow.prompt.text": text}
    store.create_model_version(
        "greeting", "s3://x", tags=[ModelVersionTag(*t) for t in tags.items()]
    )
    page.open("#/models")
    expect(page.get_by_role("link", name="churn", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="greeting")).to_have_count(0)
    page.open("#/prompts")
    expect(page.get_by_text("comes with a later version")).to_be_visible()
    page.get_by_role("link", name="greeting").click()
    expect(page.get_by_role("region", name="Version 1")).to_contain_text(text)
    assert page.hash == "#/prompts/greeting"
