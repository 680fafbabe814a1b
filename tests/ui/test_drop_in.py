"""What clients print and log leads to pages that work: ours always, the reference's by command.

HEADRACE_REFERENCE=/path/to/environment/bin/python pytest tests/ui/test_drop_in.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REFERENCE, needs_reference
from tests.ui.browser import Page, expect
from tests.ui.conftest import ROOT

#: Plain MLflow, as in its own introductions. It prints links.
SCRIPT = """
import sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("drop-in")
with mlflow.start_run(run_name="outer", description="A **note**."):
    mlflow.log_param("learning_rate", 0.01)
    for step in range(20):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_text("some text", "notes/readme.txt")
    mlflow.log_dict({"a": [1, 2]}, "config.json")
    mlflow.log_table({"question": ["why"], "answer": ["because"]}, "answers.json")
    mlflow.set_tag("team", "retention")
    with mlflow.start_run(run_name="inner", nested=True):
        mlflow.log_metric("loss", 0.5)
client = mlflow.MlflowClient()
client.create_registered_model("dropped")
run = mlflow.last_active_run().info.run_id
client.create_model_version("dropped", f"runs:/{run}/model", run)
client.set_registered_model_alias("dropped", "champion", "1")
client.transition_model_version_stage("dropped", "1", "Production")
"""


def log_with(python: str, page: Page, tmp_path: Path, path: str | None = None) -> list[str]:
    """Run the script with this interpreter; the links that it printed."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and "SUPPRESS" not in k}
    env |= {"PYTHONPATH": path} if path else {}
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [python, str(script), page.site.uri],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return re.findall(r"View (?:run|experiment).*?(http\S+)", done.stdout)


def check(page: Page, links: list[str]) -> None:
    """Each link leads to its page, and the pages show what was logged."""
    inner, experiment, outer, again = links
    assert again == experiment
    for link, name in ((inner, "inner"), (outer, "outer")):
        page.goto("about:blank")
        page.goto(link)
        expect(page).to_have_title(re.compile(f"^{name} "))
        expect(page.get_by_role("main").get_by_text("loss").first).to_be_visible()
    main = page.get_by_role("main")
    for text in ("learning_rate", "0.01", "team", "retention", "inner"):
        expect(main.get_by_text(text).filter(visible=True).first).to_be_visible()
    page.goto("about:blank")
    page.goto(experiment)
    expect(page).to_have_title(re.compile("drop-in"))
    expect(main.get_by_text("outer").filter(visible=True).first).to_be_visible()
    page.keep_one("drop-in-runs")
    page.open("#/models/dropped")
    expect(main.get_by_text("champion").filter(visible=True).first).to_be_visible()
    page.open(f"{outer.partition('/#')[2].join(['#', ''])}/artifacts/answers.json")
    expect(main.get_by_text("because").filter(visible=True).first).to_be_visible()


def test_links_that_our_client_prints(own_page: Page, tmp_path: Path):
    check(own_page, log_with(sys.executable, own_page, tmp_path, str(ROOT / "src")))


@needs_reference
def test_what_the_reference_logs(own_page: Page, tmp_path: Path):
    check(own_page, log_with(REFERENCE, own_page, tmp_path))


@pytest.mark.parametrize("base", ["/below/here"])
def test_below_a_prefix(make_site, make_page, base: str):
    """The pages work wherever the server is told to be."""
    site = make_site("--static-prefix", base)
    page: Page = make_page(site, base=base)
    page.open("#/experiments/1/runs/" + site.seed.runs["baseline"])
    expect(page).to_have_title(re.compile("^baseline "))
    assert all(
        sent.path.startswith(f"{base}/") for sent in page.sent if sent.url.startswith("http")
    )
