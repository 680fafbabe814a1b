"""A session with a model registry, by either MLflow: what each step gives, a line of JSON each.

Run as `python registry_session.py URI FOLDER`.
"""

# ruff: noqa: B023, E402 - what is defined in a loop is called in it

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

URI, FOLDER = sys.argv[1:]
IDS: dict[str, str] = {}


def plain(text: str) -> str:
    """With ids in order of appearance, and without the place that files are at."""
    text = re.sub(r"(m-)?\b[0-9a-f]{32}\b", lambda m: IDS.setdefault(m[0], f"<{len(IDS)}>"), text)
    text = re.sub(r"\b\d{18}\b", lambda m: IDS.setdefault(m[0], f"<{len(IDS)}>"), text)
    return text.replace("file://", "").replace(os.path.realpath(FOLDER), "<folder>")


def show(x):
    if type(x).__name__ == "ModelVersion":
        names = "name version current_stage description source run_id run_link status tags aliases"
        values = {name: getattr(x, name) for name in names.split()}
        values["aliases"] = sorted(values["aliases"])
        values["changed"] = x.last_updated_timestamp > x.creation_timestamp
        return values
    if type(x).__name__ == "RegisteredModel":
        latest = sorted((v.version, v.current_stage) for v in x.latest_versions)
        values = {name: getattr(x, name) for name in ("name", "description", "tags", "aliases")}
        return {
            **values,
            "latest": latest,
            "changed": x.last_updated_timestamp > x.creation_timestamp,
        }
    if isinstance(x, (list, tuple)):
        return [show(one) for one in x]
    return x


def step(name: str, call) -> None:
    time.sleep(0.003)  # orders go by times in milliseconds
    try:
        found = show(call())
    except MlflowException as e:
        found = f"error {e.error_code}"
    print(plain(json.dumps([name, found], sort_keys=True, default=str)), flush=True)


def files(uri: str) -> list:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
        if path.is_file():
            return [path.read_text()]
        found = sorted(p for p in path.rglob("*") if p.is_file())
        return [(str(p.relative_to(path)), p.read_text().replace("'", "")) for p in found]


def main() -> None:
    mlflow.set_tracking_uri(URI)
    c = MlflowClient()
    experiment = c.create_experiment("e")
    run_id = c.create_run(experiment).info.run_id
    plain(run_id)
    # models
    for name in ("m", " sp ", "ünï", "a.b", "q'q", "a@b", "..", "", "a/b", "m"):
        step(f"create {name}", lambda: c.create_registered_model(name))
    step("tags", lambda: c.create_registered_model("t", tags={"a": 1, "b": None}, description="d"))
    step("get", lambda: c.get_registered_model("t"))
    step("describe", lambda: c.update_registered_model("t", "x"))
    step("unknown", lambda: c.get_registered_model("nope"))
    step("tag", lambda: c.set_registered_model_tag("t", "a/b c:d", 5))
    step("bad tag", lambda: c.set_registered_model_tag("t", "ü!", 5))
    step("untag", lambda: c.delete_registered_model_tag("t", "a"))
    step("untag again", lambda: c.delete_registered_model_tag("t", "a"))
    step("get", lambda: c.get_registered_model("t"))
    # versions
    tags = {"q": 1}
    step("version", lambda: c.create_model_version("m", "s3://b/1", run_id, tags, "http://x", "d"))
    for source in (
        "s3://b/2",
        "s3://b/2",
        "dbfs:/x",
        "models:/m/1",
        "s3://b/../c",
        "/etc",
        "dummy",
    ):
        step(f"version {source}", lambda: c.create_model_version("m", source))
    for source in (
        "http://h/x",
        "file:///etc",
        f"runs:/{run_id}/model",
        "mlflow-artifacts:/a/%2e%2e/b",
    ):
        step(f"version {source}", lambda: c.create_model_version("m", source))
    step("of run", lambda: c.create_model_version("m", f"runs:/{run_id}/model", run_id))
    step("nowhere", lambda: c.create_model_version("nope", "s3://b/x"))
    step("get", lambda: c.get_registered_model("m"))
    for version in ("1", 1, "01", "0", "-1", "99", "abc", "1.0"):
        step(f"get {version}", lambda: c.get_model_version("m", version))
    step("delete", lambda: c.delete_model_version("m", "5"))
    step("delete", lambda: c.delete_model_version("m", "6"))
    step("next", lambda: c.create_model_version("m", "s3://b/x"))
    step("search", lambda: c.search_model_versions("name = 'm'"))
    step("describe", lambda: c.update_model_version("m", "2", "two"))
    step("tag", lambda: c.set_model_version_tag("m", "2", "k", 7))
    step("untag", lambda: c.delete_model_version_tag("m", "2", "q"))
    step("get", lambda: c.get_model_version("m", "2"))
    # stages
    for version, stage, archive in (
        *(("1", "Staging", False), ("2", "staging", True), ("3", "PRODUCTION", True)),
        *(("2", "Production", True), ("2", "Production", True), ("1", "Bogus", False)),
        ("99", "Staging", False),
    ):
        step(
            f"{version} to {stage}",
            lambda: c.transition_model_version_stage("m", version, stage, archive),
        )
    step("latest", lambda: sorted((v.version, v.current_stage) for v in c.get_latest_versions("m")))
    step("latest", lambda: [v.version for v in c.get_latest_versions("m", ["production"])])
    step("by stage", lambda: c.set_model_version_tag("m", key="k", value="v", stage="Production"))
    step("stages", lambda: c.get_model_version_stages("m", "1"))
    # aliases
    for alias, version in (
        *(("best", "1"), ("best", "2"), ("Best", "3"), ("latest", "1"), ("v1", "1")),
        *(("a b", "1"), ("x", "99"), ("x", "abc"), ("1", "1")),
    ):
        step(f"{alias} {version}", lambda: c.set_registered_model_alias("m", alias, version))
    step("alias", lambda: c.get_model_version_by_alias("m", "best"))
    step("no alias", lambda: c.get_model_version_by_alias("m", "none"))
    step("remove", lambda: c.delete_registered_model_alias("m", "1"))
    step("remove", lambda: c.delete_registered_model_alias("m", "1"))
    step("get", lambda: c.get_registered_model("m"))
    # copies and names
    step("copy", lambda: c.copy_model_version("models:/m@best", "cp"))
    step("copy", lambda: c.copy_model_version("models:/cp/1", "cp2"))
    step("copy", lambda: c.copy_model_version("models:/m/Production", "cp"))
    step("copy", lambda: c.copy_model_version("models:/m/99", "cp"))
    step("where", lambda: c.get_model_version_download_uri("cp2", "1"))
    step("rename", lambda: c.rename_registered_model("cp2", "new") and None)
    step("get", lambda: c.get_registered_model("new"))
    step("where", lambda: c.get_model_version_download_uri("new", "1"))
    step("old", lambda: c.get_registered_model("cp2"))
    step("taken", lambda: c.rename_registered_model("new", "m"))
    step("delete", lambda: c.delete_registered_model("new"))
    step("gone", lambda: c.get_model_version("new", "1"))
    # searches
    for where in ("name LIKE 'c%'", "name ILIKE 'M'", "tags.b = 'None'", "name IN ('m', 't')"):
        step(where, lambda: [m.name for m in mlflow.search_registered_models(filter_string=where)])
    step(
        "models", lambda: [m.name for m in mlflow.search_registered_models(order_by=["name DESC"])]
    )
    for where in (
        "version_number > 2",
        "tags.k = 'v'",
        f"run_id = '{run_id}'",
        "source_path LIKE 's3%'",
    ):
        step(where, lambda: [(v.name, v.version) for v in c.search_model_versions(where)])
    page = c.search_model_versions(max_results=2, order_by=["name", "version_number"])
    step("page", lambda: [(v.name, v.version) for v in page])
    page = c.search_model_versions(
        max_results=2, order_by=["name", "version_number"], page_token=page.token
    )
    step("page", lambda: [(v.name, v.version) for v in page])
    step("bad", lambda: c.search_registered_models("foo = 'x'"))
    # files
    folder = Path(FOLDER) / "files"
    folder.mkdir()
    (folder / "MLmodel").write_text(f"flavors: {{}}\nartifact_path: model\nrun_id: {run_id}\n")
    c.log_artifact(run_id, str(folder / "MLmodel"), "model")
    step("register", lambda: mlflow.register_model(f"runs:/{run_id}/model", "f", tags={"a": 1}))
    step("register", lambda: mlflow.register_model(f"runs:/{run_id}/model", "f"))
    step("nothing", lambda: mlflow.register_model(f"runs:/{run_id}/other", "f"))
    step("register", lambda: mlflow.register_model("models:/f/1", "g"))
    c.set_registered_model_alias("f", "best", "1")
    for uri in ("f/1", "f/2", "f/latest", "f@best", "f/1/MLmodel", "g/1", "f/Staging", "f/9"):
        step(f"files {uri}", lambda: files(f"models:/{uri}"))
    # logged models
    model = c.create_logged_model(experiment, "net", run_id)
    c.finalize_logged_model(model.model_id, "READY")
    step("register", lambda: mlflow.register_model(f"models:/{model.model_id}", "net"))
    step("register", lambda: mlflow.register_model(f"models:/{model.model_id}", "net"))
    step("where", lambda: c.get_model_version_download_uri("net", "2"))
    made = c.get_logged_model(model.model_id).tags.get("mlflow.modelVersions", "[]")
    step("made", lambda: sorted({(v["name"], int(v["version"])) for v in json.loads(made)}))


main()
