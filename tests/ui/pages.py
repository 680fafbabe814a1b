"""Every page of the web UI, with a link to it in the seeded store and what it must then show."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.ui.browser import Site


class Place(NamedTuple):
    """A page, opened with something in it."""

    link: str
    """Its canonical hash; `{run:NAME}`, `{model:NAME}` and `{trace:NAME}` stand for ids."""
    title: str
    """Regular expression that the document's title begins with."""
    shows: tuple[str, ...]
    """Texts that can be seen in the main part."""

    def hash(self, site: Site) -> str:
        return filled(self.link, site)


def filled(link: str, site: Site) -> str:
    """A link with the ids of this store."""
    for name, run_id in site.seed.runs.items():
        link = link.replace(f"{{run:{name}}}", run_id)
    for name, model_id in site.seed.models.items():
        link = link.replace(f"{{model:{name}}}", model_id)
    for name, trace_id in site.seed.traces.items():
        link = link.replace(f"{{trace:{name}}}", trace_id)
    return link


_RUN = "#/experiments/1/runs/{run:baseline}"
_FILES = "#/experiments/4/runs/{run:every-kind}"
_ODD = '#/experiments/1/runs/{run:<b>markup</b> & "quotes"}'
_CHURN = r" · vision/churn"
_TWO = "runs={run:baseline},{run:prod-3}&experiments=1"

PAGES = {
    "home": Place("#/", "Experiments", ("vision/churn", "bulk", "names/<b>")),
    "home-deleted": Place("#/?stage=deleted", "Experiments", ("vision/old",)),
    "runs": Place("#/experiments/1", "vision/churn", ("prod-3", "val/accuracy")),
    "runs-sorted": Place(
        "#/experiments/1?q=cnn&sort=-metrics.val%2Faccuracy", "vision/churn", ("fold-1",)
    ),
    "runs-many": Place("#/experiments/2", "bulk", ("10,000", "bulk-9999")),
    "runs-of-two": Place("#/experiments/1,9", "", ("prod-3",)),
    "runs-none": Place("#/experiments/5", "empty", ()),
    "run": Place(_RUN, "baseline" + _CHURN, ("Accuracy is", "test/auc", "churn-train")),
    "run-parameters": Place(f"{_RUN}/parameters", "baseline" + _CHURN, ("learning_rate",)),
    "run-metrics": Place(f"{_RUN}/metrics", "baseline" + _CHURN, ("val/accuracy",)),
    "run-system": Place(f"{_RUN}/system", "baseline" + _CHURN, ("system/gpu_0_memory_usage",)),
    "run-models": Place(f"{_RUN}/models", "baseline" + _CHURN, ("classifier", "churn v4")),
    "run-traces": Place(f"{_RUN}/traces", "baseline" + _CHURN, ("5 traces", "predict")),
    "artifacts": Place(f"{_FILES}/artifacts", "every-kind · vision/files", ("deeply", "Source")),
    "artifacts-csv": Place(
        f"{_FILES}/artifacts/tables/rows.csv", "every-kind", ("1,000 rows, 4 columns", "Zürich")
    ),
    "artifacts-log": Place(f"{_FILES}/artifacts/text/train.log", "every-kind", ("2,000 lines",)),
    "artifacts-image": Place(f"{_FILES}/artifacts/images/plot.png", "every-kind", ("400 × 300",)),
    "run-odd": Place(_ODD, re.escape('<b>markup</b> & "quotes"'), ("0.3",)),
    "compare-metric": Place(f"#/metric/val/accuracy?{_TWO}", "", ("val/accuracy",)),
    "logged-model": Place(
        "#/experiments/1/models/{model:classifier}", "classifier · Logged models", ("tenure", "auc")
    ),
    "models": Place("#/models", "Models", ("churn", "Production", "@champion", "0.91")),
    "model": Place("#/models/churn", "churn · Models", ("Version 4", "on churn-test", "@eu")),
    "model-history": Place(
        "#/models/churn?tab=history", "churn · Models", ("Moved", "better recall", "Zoë")
    ),
    "model-without-versions": Place("#/models/unused", "unused", ("Register a version",)),
    "version": Place(
        "#/models/churn/versions/3", "Version 3 · churn", ("cnn-lr=0.01/fold-2", "Signature")
    ),
    "version-files": Place(
        "#/models/churn/versions/3?tab=artifacts", "Version 3 · churn", ("requirements.txt",)
    ),
    "compare-versions": Place(
        "#/models/churn/compare?versions=3,4", "Versions 3 and 4 · churn", ("accuracy", "max_depth")
    ),
    "logged-models": Place(
        "#/experiments/1/models",
        "Logged models · vision/churn",
        ("classifier", "agent"),
    ),
    "datasets": Place("#/experiments/1/datasets", "Datasets", ("churn-train", "evaluation")),
    "prompts": Place("#/prompts", "Prompts", ("No prompts",)),
    "compare": Place(
        f"#/compare-runs?{_TWO}", "Compare 2 runs · vision/churn", ("Differing only", "prod-3")
    ),
    "compare-relations": Place(
        f"#/compare-runs?{_TWO}&panels=scatter:params.epochs,metrics.val%2Faccuracy",
        "Compare 2 runs · vision/churn",
        ("val/accuracy over epochs",),
    ),
    "traces": Place(
        "#/experiments/11/traces", "Traces · nlp/assistant", ("198 traces", "support_agent")
    ),
    "traces-found": Place(
        "#/experiments/11/traces?q=status+=+%22ERROR%22&sort=-duration",
        "Traces · nlp/assistant",
        ("match", "rag"),
    ),
    "traces-by-session": Place(
        "#/experiments/11/chat-sessions?group=session&open=chat-29",
        "Traces · nlp/assistant",
        ("in 31 sessions", "chat-29"),
    ),
    "traces-none": Place("#/experiments/5/traces", "Traces · empty", ("No traces yet",)),
    "session": Place(
        "#/experiments/11/chat-sessions/chat-07", "Session chat-07 · Traces", ("4 traces",)
    ),
    "trace": Place(
        "#/experiments/11/traces/{trace:waterfall}", "waterfall · Traces", ("5 spans", "plan")
    ),
    "trace-chat": Place(
        "#/experiments/11/traces/{trace:anthropic}", "anthropic · Traces", ("It rains, at 3 °C.",)
    ),
    "trace-big": Place(
        "#/experiments/11/traces/{trace:big}?path=1", "big · Traces", ("10,000 spans", "2 errors")
    ),
    "trace-hostile": Place(
        "#/experiments/11/traces/{trace:hostile}?side=assessments", "<img src=x", ("<b>f</b>",)
    ),
    "logged-model-traces": Place(
        "#/experiments/1/models/{model:classifier}/traces", "classifier", ("5 traces", "predict")
    ),
    "logged-model-artifacts": Place(
        "#/experiments/1/models/{model:classifier}/artifacts", "classifier", ("MLmodel",)
    ),
    "model-odd": Place(
        "#/models/fraud%20detector%20%C3%A9%20%26%20%3Cb%3E", "fraud detector é & <b>", ()
    ),
    "settings": Place("#/settings", "Settings", ("Appearance", "Dark")),
    "missing": Place("#/no/such/page", "Not found", ("There is no such page", "/no/such/page")),
    "gateway": Place("#/gateway", "Not part of this server", ("Not part of this server",)),
}
"""By names that also name their screenshots."""

#: Links as MLflow writes them: what becomes of each, and which page that is.
SPELLINGS = {
    "#/experiments": ("#/", "home"),
    "#/experiments/1/runs": ("#/experiments/1", "runs"),
    "#/experiments/1/s": ("#/experiments/1", "runs"),
    "#/experiments/1/overview/usage": ("#/experiments/1", "runs"),
    "#/experiments/1?searchFilter=cnn&orderByKey=metrics.%60val%2Faccuracy%60&orderByAsc=false": (
        "#/experiments/1?q=cnn&sort=-metrics.val%2Faccuracy",
        "runs-sorted",
    ),
    '#/compare-experiments/s?experiments=["1","9"]': ("#/experiments/1,9", "runs-of-two"),
    f"{_RUN}/model-metrics": (f"{_RUN}/metrics", "run-metrics"),
    f"{_RUN}/system-metrics": (f"{_RUN}/system", "run-system"),
    f"{_FILES}/artifactPath/tables/rows.csv": (
        f"{_FILES}/artifacts/tables/rows.csv",
        "artifacts-csv",
    ),
    "#/experiments/1/evaluation-runs/{run:baseline}": (_RUN, "run"),
    "#/experiments/1/evaluation-runs?selectedRunUuid={run:baseline}": (_RUN, "run"),
    '#/compare-runs?runs=["{run:baseline}","{run:prod-3}"]&experiments=["1"]': (
        f"#/compare-runs?{_TWO}",
        "compare",
    ),
    '#/metric/val%2Faccuracy?runs=["{run:baseline}","{run:prod-3}"]&experiments=["1"]': (
        f"#/metric/val/accuracy?{_TWO}",
        "compare-metric",
    ),
    "#/experiments/11/traces?selectedEvaluationId={trace:waterfall}": (
        "#/experiments/11/traces/{trace:waterfall}",
        "trace",
    ),
    "#/experiments/11/chat-sessions?open=chat-29": (
        "#/experiments/11/chat-sessions?open=chat-29&group=session",
        "traces-by-session",
    ),
    "#/experiments/11/chat-sessions/chat-07": (
        "#/experiments/11/chat-sessions/chat-07",
        "session",
    ),
    "#/models/churn/3": ("#/models/churn/versions/3", "version"),
    '#/compare-model-versions?name="churn"&runs={"{run:baseline}":"3","{run:prod-3}":"4"}': (
        "#/models/churn/compare?versions=3,4",
        "compare-versions",
    ),
}
