"""What optuna's and transformers' integrations log, run unchanged on whatever `mlflow` this
interpreter imports.

    python integrations.py TRACKING_URI FOLDER

It ends with a line of JSON: what it found again.
"""

import json
import os
import sys

import optuna
import torch
from optuna_integration.mlflow import MLflowCallback
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

import mlflow

found = {}
uri, folder = sys.argv[1:]
mlflow.set_tracking_uri(uri)

study = optuna.create_study(study_name="parabola", sampler=optuna.samplers.RandomSampler(seed=0))
callback = MLflowCallback(tracking_uri=uri, metric_name="loss")
study.optimize(lambda trial: trial.suggest_float("x", -5, 5) ** 2, n_trials=5, callbacks=[callback])
trials = mlflow.search_runs(experiment_names=["parabola"], order_by=["metrics.loss"])
found["trials"] = len(trials)
found["best"] = abs(float(trials.loc[0, "params.x"]) - study.best_params["x"]) < 1e-9


class Sentences(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, i):
        return {"input_ids": torch.arange(6) + i, "labels": torch.tensor(i % 2)}


mlflow.set_experiment("trainer")
tiny = BertConfig(
    vocab_size=32,
    hidden_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=16,
    num_labels=2,
)
trainer = Trainer(
    BertForSequenceClassification(tiny),
    TrainingArguments(
        folder,
        num_train_epochs=2,
        per_device_train_batch_size=4,
        logging_steps=1,
        save_strategy="epoch",
        report_to=["mlflow"],
        use_cpu=True,
        run_name="tiny-bert",
    ),
    train_dataset=Sentences(),
)
trainer.train()
mlflow.end_run()
(run,) = mlflow.search_runs(experiment_names=["trainer"], output_format="list")
found["run"] = [run.info.run_name, run.info.status, run.data.params["num_train_epochs"]]
found["losses"] = len(mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss"))
models = mlflow.search_logged_models(
    experiment_ids=[run.info.experiment_id], output_format="list", order_by=None
)
found["models"] = sorted(model.name for model in models)
local = mlflow.artifacts.download_artifacts(f"models:/{models[0].model_id}")
found["flavors"] = sorted(mlflow.models.Model.load(local).flavors)
found["weights"] = any("model.safetensors" in names for _, _, names in os.walk(local))
print(json.dumps(found, sort_keys=True))
