"""The part about models of a course's lab, written for MLflow and run unchanged on whatever
`mlflow` this interpreter imports.

    python models_lab.py TRACKING_URI

It ends with a line of JSON: what it found. `LAB_LOG_MODEL` may have arguments for every
`log_model`, as JSON: the reference refuses forests unless told how to save them.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import warnings

import pandas as pd
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

import mlflow
import mlflow.pyfunc
import mlflow.sklearn
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient

warnings.simplefilter("ignore")
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("mlflow-models-lab")
client = MlflowClient()
options = json.loads(os.environ.get("LAB_LOG_MODEL", "{}"))
found = {}

iris = load_iris()
X = pd.DataFrame(iris.data, columns=iris.feature_names)
X_train, X_test, y_train, y_test = train_test_split(X, iris.target, random_state=42)

# A model with signature and example, and back again in two ways
with mlflow.start_run(run_name="random-forest") as run:
    forest = RandomForestClassifier(n_estimators=20, max_depth=4, random_state=42)
    forest.fit(X_train, y_train)
    predictions = forest.predict(X_test)
    mlflow.log_params({"n_estimators": 20, "max_depth": 4})
    mlflow.log_metric("accuracy", accuracy_score(y_test, predictions))
    mlflow.sklearn.log_model(
        forest,
        "model",
        signature=infer_signature(X_train, predictions),
        input_example=X_train.iloc[:3],
        **options,
    )
uri = f"runs:/{run.info.run_id}/model"
found["sklearn"] = (mlflow.sklearn.load_model(uri).predict(X_test) == predictions).all().item()
as_pyfunc = mlflow.pyfunc.load_model(uri)
found["pyfunc"] = (as_pyfunc.predict(X_test) == predictions).all().item()
found["inputs"] = as_pyfunc.metadata.get_input_schema().input_names()
try:
    as_pyfunc.predict(X_test.drop(columns=["petal width (cm)"]))
except mlflow.exceptions.MlflowException as e:
    found["missing column"] = e.error_code
info = mlflow.models.get_model_info(uri)
found["flavors"] = sorted(info.flavors)

with mlflow.start_run(run_name="by-name"):
    by_name = mlflow.sklearn.log_model(
        sk_model=forest, name="iris_forest", params={"depth": 4}, tags={"team": "iris"}, **options
    )
found["by name"] = by_name.model_uri == f"models:/{by_name.model_id}"
again = mlflow.sklearn.load_model(by_name.model_uri)
found["logged model"] = (again.predict(X_test) == predictions).all().item()
logged = mlflow.get_logged_model(by_name.model_id)
found["logged"] = [logged.name, logged.status.value, logged.params, logged.tags["team"]]

# Autologging on and off
mlflow.sklearn.autolog()
with mlflow.start_run(run_name="autologged") as autologged:
    LogisticRegression(max_iter=300, C=0.5).fit(X_train, y_train)
mlflow.sklearn.autolog(disable=True)
with mlflow.start_run(run_name="not-autologged") as plain:
    LogisticRegression(max_iter=300).fit(X_train, y_train)
data = client.get_run(autologged.info.run_id).data
found["autolog"] = [data.params["C"], data.params["max_iter"], sorted(data.metrics)]
found["autolog off"] = client.get_run(plain.info.run_id).data.params

# The registry: four versions, promoted, archived and rolled back
NAME = "FraudDetector"
runs = []
for version, depth in enumerate((2, 3, 5, 8), start=1):
    with mlflow.start_run(run_name=f"fraud-{version}") as fraud:
        model = RandomForestClassifier(n_estimators=5 * version, max_depth=depth, random_state=0)
        model.fit(X_train, y_train)
        mlflow.log_metric("accuracy", accuracy_score(y_test, model.predict(X_test)))
        mlflow.sklearn.log_model(
            sk_model=model,
            name="model",
            input_example=X_train.iloc[:2],
            registered_model_name=NAME,
            **options,
        )
    runs.append(fraud.info.run_id)
client.update_registered_model(NAME, description="Tells fraud from honest business.")
client.update_model_version(NAME, "4", description="Deeper trees.")
client.set_registered_model_tag(NAME, "team", "fraud")
client.set_model_version_tag(NAME, "2", "reviewed", "yes")


def stages():
    versions = client.search_model_versions(f"name = '{NAME}'")
    return {str(v.version): v.current_stage for v in versions}


client.transition_model_version_stage(NAME, "1", "Production")
client.transition_model_version_stage(NAME, "2", "Staging")
found["first"] = stages()
client.transition_model_version_stage(NAME, "2", "Production", archive_existing_versions=True)
found["promoted"] = stages()
client.transition_model_version_stage(NAME, "3", "Production", archive_existing_versions=True)
client.transition_model_version_stage(NAME, "2", "Production", archive_existing_versions=True)
found["rolled back"] = stages()
found["latest"] = sorted(
    [v.current_stage, str(v.version)]
    for v in client.get_latest_versions(NAME, ["Production", "None"])
)
client.set_registered_model_alias(NAME, "champion", "2")
found["alias"] = str(client.get_model_version_by_alias(NAME, "champion").version)
found["lineage"] = [client.get_model_version(NAME, v).run_id for v in ("1", "2", "3", "4")] == runs
found["described"] = [
    client.get_registered_model(NAME).description,
    client.get_model_version(NAME, "4").description,
]
found["search"] = [
    [m.name for m in client.search_registered_models("name ILIKE 'fraud%'")],
    [m.name for m in client.search_registered_models("tags.team = 'fraud'")],
    [str(v.version) for v in client.search_model_versions(f"run_id = '{runs[2]}'")],
    [str(v.version) for v in client.search_model_versions("tags.reviewed = 'yes'")],
]
expected = mlflow.sklearn.load_model(f"models:/{NAME}/2").predict(X_test)
found["by stage, alias and number"] = [
    bool((mlflow.pyfunc.load_model(uri).predict(X_test) == expected).all())
    for uri in (f"models:/{NAME}/Production", f"models:/{NAME}@champion", f"models:/{NAME}/2")
]

# Served, and asked over HTTP
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
command = ["mlflow", "models", "serve", "-m", f"models:/{NAME}/Production"]
command += ["--env-manager", "local", "--port", str(port)]
environment = {
    **os.environ,
    "MLFLOW_TRACKING_URI": sys.argv[1],
    "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
}
server = subprocess.Popen(command, env=environment, stdout=sys.stderr)
try:
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=1).close()
            break
        except OSError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise
            time.sleep(0.1)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        data=json.dumps({"dataframe_split": X_test.to_dict(orient="split")}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found["served"] = json.load(answer)["predictions"] == expected.tolist()
finally:
    server.terminate()
    server.wait(30)

client.delete_model_version(NAME, "1")
found["after delete"] = sorted(stages())
client.rename_registered_model(NAME, "Fraud")
found["renamed"] = client.get_model_version("Fraud", "4").description
client.delete_registered_model("Fraud")
found["gone"] = client.search_registered_models()
print(json.dumps(found, sort_keys=True))
